/* SPDX-License-Identifier: GPL-2.0-only */
/* util.h: cleanup attributes and small helpers that every folder uses. */
#ifndef RSYS_CORE_UTIL_H
#define RSYS_CORE_UTIL_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Descriptors: the safe initial value is -1.  errno is kept. */
static inline void rsys_close(int fd)
{
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
}
static inline void rsys_closep(int *fd) { rsys_close(*fd); }
static inline int rsys_fd_steal(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}
#define RSYS_AUTO_FD __attribute__((cleanup(rsys_closep))) int

/* Memory: the safe initial value is NULL. */
static inline void rsys_freep(void *p) { free(*(void **)p); }
#define RSYS_AUTO_FREE __attribute__((cleanup(rsys_freep)))
static inline void *rsys_steal_pointer(void *p)
{
    void **pp = p, *taken = *pp;
    *pp = NULL;
    return taken;
}
#define rsys_steal(p) ((__typeof__(*(p)))rsys_steal_pointer(p))

#define RSYS_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define RSYS_MIN(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define RSYS_MAX(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })

#endif
