/* SPDX-License-Identifier: GPL-2.0-only */
/* program.c: the executor program as a file that nobody can change. */
#include "server/program.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

int server_program_open(struct rsys_error **err)
{
    /* MFD_EXEC says that it is to be executed, for kernels with vm.memfd_noexec; those before 6.3 do not know it. */
    RSYS_AUTO_FD fd = memfd_create("rsys-executor", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("rsys-executor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return rsys_error_make(err, errno, "make a memfd for the executor");
    for (const unsigned char *at = server_program_start; at < server_program_end;) {
        ssize_t n = write(fd, at, (size_t)(server_program_end - at));
        if (n <= 0)
            return rsys_error_make(err, errno, "write the executor to its memfd");
        at += n;
    }
    if (fchmod(fd, 0555) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return rsys_error_make(err, errno, "seal the executor's memfd");
    return rsys_fd_steal(&fd);
}
