/* SPDX-License-Identifier: GPL-2.0-only */
/* libc.c: what src/core and src/client want of a C library, without one: memory, text, and system calls by the exempt stub.
 *
 * All of it is hidden in the library: a program finds its own C library's. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <linux/futex.h>

int *__errno_location(void) { return &self->error; }

static int64_t with_errno(int64_t result)
{
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

ssize_t recv(int fd, void *buffer, size_t n, int flags) { return with_errno(RAW(SYS_recvfrom, fd, buffer, n, flags)); }
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) { return with_errno(RAW(SYS_sendmsg, fd, message, flags)); }
int poll(struct pollfd *fds, nfds_t count, int timeout) { return (int)with_errno(RAW(SYS_poll, fds, count, timeout)); }
int close(int fd) { return (int)with_errno(RAW(SYS_close, fd)); }
pid_t gettid(void) { return (pid_t)RAW(SYS_gettid); }
ssize_t process_vm_readv(pid_t pid, const struct iovec *here, unsigned long heres, const struct iovec *there, unsigned long theres, unsigned long flags)
{
    return with_errno(raw_syscall(SYS_process_vm_readv, (uint64_t)pid, (uintptr_t)here, heres, (uintptr_t)there, theres, flags));
}
ssize_t process_vm_writev(pid_t pid, const struct iovec *here, unsigned long heres, const struct iovec *there, unsigned long theres, unsigned long flags)
{
    return with_errno(raw_syscall(SYS_process_vm_writev, (uint64_t)pid, (uintptr_t)here, heres, (uintptr_t)there, theres, flags));
}
pthread_t pthread_self(void) { return (pthread_t)(uintptr_t)self; }
/* Nothing here is a point where a thread can be cancelled. */
int pthread_setcancelstate(int state, int *ret_old)
{
    (void)state;
    if (ret_old != NULL)
        *ret_old = 0;
    return 0;
}

/* ---- text and bytes: simple; the compiler is told (local.mk) not to make calls of themselves out of them ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t n)
{
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    for (; n > 0; n--)
        ((uint8_t *)to)[n - 1] = ((const uint8_t *)from)[n - 1];
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return result;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *bytes, int byte, size_t n)
{
    for (const uint8_t *at = bytes; n > 0; n--, at++)
        if (*at == (uint8_t)byte)
            return (void *)(uintptr_t)at;
    return NULL;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n] != 0)
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a != 0 && *a == *b)
        a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++)
        if (*a != *b || *a == 0)
            return (uint8_t)*a - (uint8_t)*b;
    return 0;
}

char *append(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n + 1);
    return to + n;
}

char *append_number(char *to, unsigned number)
{
    if (number >= 10)
        to = append_number(to, number / 10);
    *to = (char)('0' + number % 10);
    to[1] = 0;
    return to + 1;
}

/* ---- locks: their holder has all signals blocked, so it is always about to give them back ---- */

void lock_take(struct lock *lock)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&lock->held, &none, 1))
        return;
    while (atomic_exchange(&lock->held, 2) != 0)
        (void)RAW(SYS_futex, &lock->held, FUTEX_WAIT_PRIVATE, 2);
}

void lock_give(struct lock *lock)
{
    if (atomic_exchange(&lock->held, 0) == 2)
        (void)RAW(SYS_futex, &lock->held, FUTEX_WAKE_PRIVATE, 1);
}

/* ---- the heap: blocks of 2^n bytes, kept in lists of their size; large ones are mappings ---- */

#define SMALLEST 6u
#define LARGEST 16u
#define CHUNK (256u << 10)
struct block {
    size_t size; /* with this header; of a mapping: no power of two is as large */
    struct block *next;
};
struct lock heap_lock;
static struct block *lists[LARGEST + 1];
static uint8_t *chunk, *chunk_end;

static void *map(size_t size, int flags, int fd)
{
    int64_t got = RAW(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    return got < 0 && got >= -4095 ? NULL : (void *)(uintptr_t)got;
}

void *map_pages(size_t size) { return map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1); }
void *map_file(size_t size, int fd) { return map(size, MAP_SHARED, fd); }

static unsigned class_of(size_t size)
{
    unsigned class = SMALLEST;
    while (((size_t)1 << class) < size)
        class++;
    return class;
}

static struct block *take_block(unsigned class)
{
    size_t size = (size_t)1 << class;
    struct block *block = lists[class];
    if (block != NULL) {
        lists[class] = block->next;
        return block;
    }
    if ((size_t)(chunk_end - chunk) < size) { /* what is left of the old one is lost: less than the largest block */
        chunk = map_pages(CHUNK);
        chunk_end = chunk == NULL ? NULL : chunk + CHUNK;
        if (chunk == NULL)
            return NULL;
    }
    block = (struct block *)(void *)chunk;
    chunk += size;
    block->size = size;
    return block;
}

void *malloc(size_t n)
{
    size_t size = n + sizeof(struct block);
    if (size < n)
        return NULL;
    struct block *block;
    if (size > (size_t)1 << LARGEST) {
        block = map_pages(size);
        if (block != NULL)
            block->size = size;
    } else {
        lock_take(&heap_lock);
        block = take_block(class_of(size));
        lock_give(&heap_lock);
    }
    return block == NULL ? NULL : block + 1;
}

void free(void *memory)
{
    if (memory == NULL)
        return;
    struct block *block = (struct block *)memory - 1;
    if (block->size > (size_t)1 << LARGEST) {
        (void)RAW(SYS_munmap, block, block->size);
        return;
    }
    unsigned class = class_of(block->size);
    lock_take(&heap_lock);
    block->next = lists[class];
    lists[class] = block;
    lock_give(&heap_lock);
}

void *calloc(size_t count, size_t size)
{
    size_t n;
    void *memory = __builtin_mul_overflow(count, size, &n) ? NULL : malloc(n);
    return memory == NULL ? NULL : memset(memory, 0, n);
}

void *realloc(void *memory, size_t n)
{
    if (memory == NULL)
        return malloc(n);
    size_t have = ((struct block *)memory - 1)->size - sizeof(struct block);
    if (n <= have)
        return memory;
    void *grown = malloc(n);
    if (grown != NULL) {
        memcpy(grown, memory, have);
        free(memory);
    }
    return grown;
}

/* ---- the program's memory, and its standard error ---- */

int64_t peek(uint64_t address, void *buffer, size_t n) { return rsys_memory_read(&rsys_memory_own, address, buffer, n); }
int64_t poke(uint64_t address, const void *buffer, size_t n) { return rsys_memory_write(&rsys_memory_own, address, buffer, n); }

/* A line on standard error, if that is the client's own. */
void say(const char *const *parts)
{
    char line[1024];
    size_t n = 0;
    for (; *parts != NULL; parts++) {
        size_t length = RSYS_MIN(strlen(*parts), sizeof line - 1 - n);
        memcpy(line + n, *parts, length);
        n += length;
    }
    line[n++] = '\n';
    if (self->process == NULL || fd_remote(2) < 0)
        (void)RAW(SYS_write, 2, line, n);
}

/* ---- files, for program.c ---- */

int open(const char *path, int flags, ...) { return (int)with_errno(RAW(SYS_openat, AT_FDCWD, path, flags, 0)); }
ssize_t pread(int fd, void *buffer, size_t n, off_t offset) { return with_errno(RAW(SYS_pread64, fd, buffer, n, offset)); }
int fstat(int fd, struct stat *ret) { return (int)with_errno(RAW(SYS_fstat, fd, ret)); }
ssize_t fgetxattr(int fd, const char *name, void *value, size_t size) { return with_errno(RAW(SYS_fgetxattr, fd, name, value, size)); }
