// SPDX-License-Identifier: GPL-2.0-only
/* mmap-exec.c: code is mapped from a file and runs; executables that run cannot be written */
// also: preload
#include "guest.h"

#include <elf.h>

int main(void)
{
    int fd = (int)MUST(open("/bin/true", O_RDONLY));
    Elf64_Ehdr *header = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    CHECK((void *)header != MAP_FAILED);
    say("%.3s %d", header->e_ident + 1, header->e_machine);
    int out = (int)MUST(open("code", O_CREAT | O_RDWR, 0755));
    static const unsigned char code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
    MUST(write(out, code, sizeof code));
    int (*function)(void);
    void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, out, 0);
    CHECK(map != MAP_FAILED);
    memcpy(&function, &map, sizeof function);
    say("%d", function());
    return 0;
}
