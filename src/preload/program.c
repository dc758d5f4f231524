/* SPDX-License-Identifier: GPL-2.0-only */
/* program.c: whether a file can be executed with the library in it: LD_PRELOAD is for dynamically linked programs of this architecture, and not for
 * those that gain privileges.
 *
 * It is used by rsys-preload and, without a C library, in the program. */
#include "src/preload/program.h"

#include "src/core/util.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define SCRIPTS_MAX 5 /* the kernel's limit, too */
#define HEAD 256u     /* BINPRM_BUF_SIZE: what the kernel reads of a script's first line */

static const char *elf_obstacle(int fd, const Elf64_Ehdr *head)
{
    if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_machine != EM_X86_64)
        return "is a program of another architecture";
    for (unsigned i = 0; i < head->e_phnum && head->e_phentsize == sizeof(Elf64_Phdr); i++) {
        Elf64_Phdr part;
        if (pread(fd, &part, sizeof part, (off_t)(head->e_phoff + i * sizeof part)) != (ssize_t)sizeof part)
            return NULL;
        if (part.p_type == PT_INTERP)
            return NULL;
    }
    return "is statically linked";
}

/* The interpreter in a script's first line, terminated in place; NULL: none. */
static char *interpreter(char *line)
{
    char *name = line + 2;
    while (*name == ' ' || *name == '\t')
        name++;
    char *end = name;
    while (*end != 0 && *end != ' ' && *end != '\t' && *end != '\n')
        end++;
    *end = 0;
    return name == end ? NULL : name;
}

const char *program_obstacle(const char *path, char *file, size_t size)
{
    union {
        Elf64_Ehdr elf;
        char line[HEAD + 1];
    } head;
    for (int depth = 0; depth < SCRIPTS_MAX; depth++) {
        struct stat st;
        size_t length = strlen(path);
        if (length >= size)
            return NULL;
        memmove(file, path, length + 1);
        RSYS_AUTO_FD fd = open(file, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? -1 : pread(fd, head.line, HEAD, 0);
        if (got < 0 || fstat(fd, &st) < 0)
            return NULL;
        if ((st.st_mode & S_ISUID) != 0 || (st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
            return "is set-user-ID or set-group-ID";
        if (fgetxattr(fd, "security.capability", NULL, 0) > 0)
            return "has file capabilities";
        head.line[got] = 0;
        if (got >= (ssize_t)sizeof head.elf && memcmp(head.line, ELFMAG, SELFMAG) == 0)
            return elf_obstacle(fd, &head.elf);
        if (got < 3 || head.line[0] != '#' || head.line[1] != '!' || (path = interpreter(head.line)) == NULL)
            return NULL;
    }
    return NULL;
}
