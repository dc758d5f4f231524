/* SPDX-License-Identifier: GPL-2.0-only */
/* program.c: finding PROGRAM, and saying early and clearly why it cannot be executed.
 *
 * Files of the sandbox are looked at through the pager's executor.  The same checks are made again by the kernel when it executes: these are for the message. */
#include "src/jail/launch.h"

#include "src/core/util.h"
#include "src/jail/pager.h"
#include "src/jail/view.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>

#define HEAD_SIZE 4096

/* The beginning of a file, enough for a script's first line and an ELF file's program headers. */
struct head {
    char bytes[HEAD_SIZE + 1];
    size_t size;
};

void program_free(struct program *program)
{
    free(rsys_steal(&program->path));
    free(rsys_steal(&program->local_name));
    rsys_close(rsys_fd_steal(&program->local_fd));
}

static int not_executable(struct rsys_error **err, int code, const char *name, const char *why)
{
    rsys_error_make(err, code, "%s%s%s", name, *why ? ": " : "", why);
    return RSYS_EXIT_NOT_EXECUTABLE;
}

/* The interpreter that the file names, in interpreter[]; "" when it needs none.  NULL, or why the file cannot be executed.  The file's bytes are
 * anybody's: every offset is checked against what was read. */
static const char *interpreter_of(const struct head *head, char interpreter[PATH_MAX], bool *ret_script)
{
    interpreter[0] = 0;
    *ret_script = false;
    if (head->size >= 2 && head->bytes[0] == '#' && head->bytes[1] == '!') {
        const char *start = head->bytes + 2 + strspn(head->bytes + 2, " \t");
        size_t length = strcspn(start, " \t\r\n");
        if (length == 0 || length >= PATH_MAX)
            return "its first line names no interpreter";
        memcpy(interpreter, start, length);
        interpreter[length] = 0;
        *ret_script = true;
        return NULL;
    }
    Elf64_Ehdr ehdr;
    if (head->size < sizeof ehdr || memcmp(head->bytes, ELFMAG, SELFMAG) != 0)
        return head->size == 0 ? "it is empty" : "it is neither an ELF program nor a script that begins with #!";
    memcpy(&ehdr, head->bytes, sizeof ehdr);
    if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_machine != EM_X86_64)
        return "it is a program for another architecture (x86-64 is wanted)";
    if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
        return "it is an ELF file, but no program";
    for (unsigned i = 0; i < ehdr.e_phnum; i++) {
        Elf64_Phdr phdr;
        uint64_t at = ehdr.e_phoff + (uint64_t)i * sizeof phdr;
        if (ehdr.e_phentsize != sizeof phdr || ehdr.e_phoff > head->size || at + sizeof phdr > head->size)
            return NULL; /* not within the head: the kernel will tell */
        memcpy(&phdr, head->bytes + at, sizeof phdr);
        if (phdr.p_type != PT_INTERP || phdr.p_offset > head->size || phdr.p_filesz > head->size - phdr.p_offset ||
            phdr.p_filesz == 0 || phdr.p_filesz > PATH_MAX)
            continue;
        memcpy(interpreter, head->bytes + phdr.p_offset, phdr.p_filesz);
        interpreter[phdr.p_filesz - 1] = 0;
    }
    return NULL;
}

/* Whether the interpreter is there, in the sandbox. */
static int check_interpreter(struct pager *pager, const char *name, const struct head *head, bool *ret_script, struct rsys_error **err)
{
    char interpreter[PATH_MAX];
    const char *why = interpreter_of(head, interpreter, ret_script);
    if (why != NULL)
        return not_executable(err, 0, name, why);
    if (interpreter[0] != '/')
        return 0;
    struct stat st = {0};
    unsigned index = pager_queue_stat_at(pager, AT_FDCWD, interpreter, 0, &st);
    if (pager_run(pager) < 0) {
        rsys_error_make(err, 0, "the connection to the sandbox was lost");
        return RSYS_EXIT_OURS;
    }
    if (pager->result[index] == 0)
        return 0;
    rsys_error_make(err, (int)-pager->result[index], "%s: its interpreter %s is not in the sandbox's root", name, interpreter);
    return RSYS_EXIT_NOT_EXECUTABLE;
}

/* ---- the client's file ---- */

static int open_local(struct program *program, const char *path, struct head *head, struct rsys_error **err)
{
    struct stat st;
    program->local_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (program->local_fd < 0) {
        int code = errno;
        rsys_error_make(err, code, "%s (a file of this machine)", path);
        return code == ENOENT || code == ENOTDIR ? RSYS_EXIT_NOT_FOUND : RSYS_EXIT_NOT_EXECUTABLE;
    }
    if (fstat(program->local_fd, &st) < 0)
        return not_executable(err, errno, path, "");
    if (!S_ISREG(st.st_mode))
        return not_executable(err, S_ISDIR(st.st_mode) ? EISDIR : 0, path, "it is no regular file");
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
        return not_executable(err, errno, path, "");
    ssize_t n = pread(program->local_fd, head->bytes, HEAD_SIZE, 0);
    if (n < 0)
        return not_executable(err, errno, path, "");
    head->size = (size_t)n;
    head->bytes[n] = 0;
    const char *slash = strrchr(path, '/');
    program->local_name = strdup(slash != NULL ? slash + 1 : path);
    if (program->local_name == NULL || asprintf(&program->path, "%s/%s", RSYS_VIEW_LOCAL, program->local_name) < 0) {
        program->path = NULL;
        rsys_error_make(err, ENOMEM, "%s", path);
        return RSYS_EXIT_OURS;
    }
    return 0;
}

/* A script's interpreter opens it by name, in the sandbox: so a client's script is copied there. */
static int upload(struct program *program, struct pager *pager, struct rsys_error **err)
{
    uint64_t random;
    char directory[64], *path = NULL, buffer[65536];
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return -1;
    snprintf(directory, sizeof directory, "/tmp/.rsys-%016llx", (unsigned long long)random);
    if (asprintf(&path, "%s/%s", directory, program->local_name) < 0)
        return rsys_error_make(err, ENOMEM, "%s", program->local_name);
    unsigned made = pager_queue_call(pager, SYS_mkdirat, (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD, 0, 0755});
    rsys_request_in(&pager->request[made], 1, directory, strlen(directory) + 1);
    unsigned opened = pager_queue_call(pager, SYS_openat, (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD, 0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755});
    rsys_request_in(&pager->request[opened], 1, path, strlen(path) + 1);
    pager_run(pager);
    int64_t fd = pager->result[opened];
    if (fd < 0) {
        rsys_error_make(err, (int)(pager->result[made] < 0 ? -pager->result[made] : -fd),
                        "%s is a script, and the sandbox has no /tmp to copy it to", program->local_name);
        free(path);
        return -1;
    }
    free(program->path);
    program->path = path;
    ssize_t n;
    int64_t written = 0;
    for (uint64_t offset = 0; written >= 0 && (n = pread(program->local_fd, buffer, sizeof buffer, (off_t)offset)) > 0; offset += (uint64_t)written)
        written = pager_write(pager, (int)fd, buffer, (size_t)n, offset);
    pager_close(pager, (int)fd);
    if (written < 0)
        return rsys_error_make(err, (int)-written, "copy %s to %s in the sandbox", program->local_name, path);
    rsys_close(rsys_fd_steal(&program->local_fd));
    return 0;
}

static int find_local(struct program *program, const char *path, struct pager *pager, struct rsys_error **err)
{
    struct head head;
    bool script;
    int status = open_local(program, path, &head, err);
    if (status == 0)
        status = check_interpreter(pager, path, &head, &script, err);
    if (status == 0 && script && upload(program, pager, err) < 0)
        status = RSYS_EXIT_NOT_EXECUTABLE;
    return status;
}

/* ---- the sandbox's files ---- */

/* Look at one candidate: 0 and its head; or -errno.  One round trip: the descriptor's number is known beforehand. */
static int64_t look(struct pager *pager, const char *path, struct head *head)
{
    struct stat st = {0};
    int fd = pager_next_fd(pager);
    unsigned stat_index = pager_queue_stat_at(pager, AT_FDCWD, path, 0, &st);
    unsigned open_index = pager_queue_open(pager, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    unsigned read_index = pager_queue_call(pager, SYS_pread64, (uint64_t[6]){(uint64_t)fd, 0, HEAD_SIZE, 0});
    rsys_request_out(&pager->request[read_index], 1, HEAD_SIZE, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = head->bytes});
    if (pager_run(pager) < 0)
        return -EIO;
    int64_t found = pager->result[stat_index], opened = pager->result[open_index], size = pager->result[read_index];
    if (opened >= 0)
        pager_close(pager, (int)opened);
    if (found < 0)
        return found;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
        return -EACCES;
    /* A program that may be executed but not read cannot be looked at: the kernel will tell. */
    head->size = opened == fd && size >= 0 && size <= HEAD_SIZE ? (size_t)size : HEAD_SIZE + 1;
    head->bytes[RSYS_MIN(head->size, (size_t)HEAD_SIZE)] = 0;
    return 0;
}

static const char *path_variable(const struct rsys_options *options)
{
    for (int i = 0; i < options->environment_count; i++)
        if (strncmp(options->environment[i], "PATH=", 5) == 0)
            return options->environment[i] + 5;
    return "/usr/bin:/bin";
}

/* Absolute, as the first guest's directory has it. */
static char *absolute(const struct rsys_options *options, const char *directory, size_t length, const char *name)
{
    char *path = NULL;
    const char *base = directory[0] != '/' || length == 0 ? (options->chdir != NULL ? options->chdir : "/") : "";
    if (asprintf(&path, "%s%s%.*s%s%s", base, *base ? "/" : "", (int)length, directory, length > 0 ? "/" : "", name) < 0)
        return NULL;
    return path;
}

static int64_t search(struct program *program, const struct rsys_options *options, const char *name, struct pager *pager, struct head *head)
{
    if (strchr(name, '/') != NULL) {
        program->path = name[0] == '/' ? strdup(name) : absolute(options, "", 0, name);
        return program->path != NULL ? look(pager, program->path, head) : -ENOMEM;
    }
    int64_t worst = -ENOENT;
    const char *directory = path_variable(options);
    for (;;) {
        size_t length = strcspn(directory, ":");
        free(program->path);
        program->path = absolute(options, directory, length, name);
        if (program->path == NULL)
            return -ENOMEM;
        int64_t found = look(pager, program->path, head);
        if (found == 0 || found == -EIO)
            return found;
        if (found == -EACCES) /* as execvp(3): a later directory may have it */
            worst = found;
        if (directory[length] == 0)
            return worst;
        directory += length + 1;
    }
}

int program_find(struct program *program, const struct rsys_options *options, struct pager *pager, struct rsys_error **err)
{
    *program = (struct program){.local_fd = -1};
    if (options->local != NULL)
        return find_local(program, options->local, pager, err);
    struct head head = {.size = 0};
    const char *name = options->argv[0];
    int64_t found = name[0] != 0 ? search(program, options, name, pager, &head) : -ENOENT;
    if (found < 0) {
        rsys_error_make(err, (int)-found, "%s%s", name, pager->lost ? ": the connection to the sandbox was lost" : " (in the sandbox)");
        if (pager->lost)
            return RSYS_EXIT_OURS;
        return found == -ENOENT || found == -ENOTDIR ? RSYS_EXIT_NOT_FOUND : RSYS_EXIT_NOT_EXECUTABLE;
    }
    bool script;
    return head.size <= HEAD_SIZE ? check_interpreter(pager, name, &head, &script, err) : 0;
}

/* ---- what the guest finds itself to be ---- */

/* The entry of an id in the sandbox's /etc/passwd (its bytes are anybody's), cut up in place. */
static bool find_user(char *passwd, uid_t uid, char **ret_name, char **ret_home)
{
    for (char *line = passwd, *next; line != NULL && *line != 0; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = 0;
        char *fields[7] = {NULL};
        for (size_t i = 0; i < RSYS_ARRAY_SIZE(fields); i++)
            fields[i] = strsep(&line, ":");
        if (fields[6] == NULL || strtoul(fields[2], NULL, 10) != uid)
            continue;
        *ret_name = fields[0];
        *ret_home = fields[5];
        return true;
    }
    return false;
}

int program_prepare(struct rsys_options *options, struct pager *pager, uid_t uid, struct rsys_error **err)
{
    static char passwd[16384];
    char *name = uid == 0 ? "root" : "nobody", *home = uid == 0 ? "/root" : "/";
    struct stat st = {0};
    int fd = pager_next_fd(pager);
    unsigned directory = pager_queue_stat_at(pager, AT_FDCWD, options->chdir != NULL ? options->chdir : "/", 0, &st);
    unsigned opened = pager_queue_open(pager, AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
    unsigned read_index = pager_queue_call(pager, SYS_pread64, (uint64_t[6]){(uint64_t)fd, 0, sizeof passwd - 1, 0});
    rsys_request_out(&pager->request[read_index], 1, sizeof passwd - 1, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = passwd});
    if (pager_run(pager) < 0) {
        rsys_error_make(err, 0, "the connection to the sandbox was lost");
        return RSYS_EXIT_OURS;
    }
    int64_t found = pager->result[directory], file = pager->result[opened], size = pager->result[read_index];
    if (file >= 0)
        pager_close(pager, (int)file);
    if (found < 0 || !S_ISDIR(st.st_mode)) {
        rsys_error_make(err, found < 0 ? (int)-found : ENOTDIR, "--chdir %s (in the sandbox)", options->chdir != NULL ? options->chdir : "/");
        return RSYS_EXIT_OURS;
    }
    if (file == fd && size > 0 && size < (int64_t)sizeof passwd)
        find_user(passwd, uid, &name, &home);
    if (rsys_options_default(options, "HOME", home, err) < 0 || rsys_options_default(options, "USER", name, err) < 0)
        return RSYS_EXIT_OURS;
    return 0;
}
