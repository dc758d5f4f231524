// SPDX-License-Identifier: GPL-2.0-only
/* struct-calls.c: calls whose structs hold pointers or say their size: file handles, mounts, attributes by *xattrat, extents, deduplication */
#include "guest.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#define NR_statmount 457
#define NR_listmount 458
#define NR_setxattrat 463
#define NR_getxattrat 464

struct handle {
    unsigned bytes;
    int type;
    unsigned char data[300];
};

static void handles(void)
{
    struct handle a = {0}, b = {.bytes = 128}, c = {.bytes = 128};
    int mount = -1, other = -1;
    int64_t unique[2] = {-1, -1};
    say("-- handles");
    make_file("file", "x");
    TRY(name_to_handle_at(AT_FDCWD, "none", (struct file_handle *)&a, &mount, 0));
    TRY(name_to_handle_at(AT_FDCWD, "file", (struct file_handle *)8, &mount, 0));
    a.bytes = 200;
    TRY(name_to_handle_at(AT_FDCWD, "file", (struct file_handle *)&a, &mount, 0));
    a.bytes = 0;
    memset(a.data, 0xee, sizeof a.data);
    int result = name_to_handle_at(AT_FDCWD, "/proc/self/status", (struct file_handle *)&a, &mount, 0);
    say("of /proc: %d %s, %u bytes, mount told: %d, untouched: %d", result, result < 0 ? error_name(errno) : "", a.bytes, mount != -1, a.data[0] == 0xee);
    result = name_to_handle_at(AT_FDCWD, "/tmp", (struct file_handle *)&b, &mount, 0);
    say("of /tmp: %d %s, %u bytes, type %d", result, result < 0 ? error_name(errno) : "", b.bytes, b.type);
    int fd = (int)MUST(open("/tmp", O_PATH));
    TRY(name_to_handle_at(fd, "", (struct file_handle *)&c, &other, AT_EMPTY_PATH));
    CHECK(mount == other && b.bytes == c.bytes && memcmp(b.data, c.data, b.bytes) == 0);
    c.bytes = 4;
    TRY(name_to_handle_at(fd, "", (struct file_handle *)&c, &other, AT_EMPTY_PATH));
    CHECK(c.bytes == b.bytes);
    TRY(name_to_handle_at(fd, "", (struct file_handle *)&b, (int *)unique, AT_EMPTY_PATH | 1));
    CHECK(unique[0] > 0 && unique[1] == -1);
    TRY(name_to_handle_at(fd, "", (struct file_handle *)&b, (int *)8, AT_EMPTY_PATH));
    WORKS(syscall(SYS_open_by_handle_at, AT_FDCWD, &b, O_RDONLY));
    close(fd);
}

static void mounts(void)
{
    struct {
        uint32_t size, spare;
        uint64_t mount, parameter;
    } request = {.size = sizeof request};
    struct statx st;
    uint64_t list[64];
    union {
        struct {
            uint32_t size, options;
            uint64_t mask;
            uint32_t major, minor;
            uint64_t magic;
        };
        unsigned char bytes[1000];
    } answer;
    say("-- mounts");
    MUST(statx(AT_FDCWD, "/tmp", 0, 0x4000 /* STATX_MNT_ID_UNIQUE */, &st));
    request.mount = st.stx_mnt_id;
    request.parameter = 1; /* STATMOUNT_SB_BASIC */
    memset(&answer, 0xee, sizeof answer);
    TRY(syscall(NR_statmount, &request, &answer, sizeof answer, 0));
    say("magic %llx, more behind its %s size: %d", (unsigned long long)answer.magic, answer.size < sizeof answer ? "smaller" : "full", answer.bytes[999] == 0xee);
    TRY(syscall(NR_statmount, &request, &answer, sizeof answer, 7));
    TRY(syscall(NR_statmount, &request, 8, sizeof answer, 0));
    TRY(syscall(NR_statmount, 8, &answer, sizeof answer, 0));
    request.mount = 1;
    TRY(syscall(NR_statmount, &request, &answer, sizeof answer, 0));
    request.size = 8;
    TRY(syscall(NR_statmount, &request, &answer, sizeof answer, 0));
    request.size = 5000;
    TRY(syscall(NR_statmount, &request, &answer, sizeof answer, 0));
    request.size = sizeof request;
    request.mount = UINT64_MAX; /* LSMT_ROOT */
    request.parameter = 0;
    long n = syscall(NR_listmount, &request, list, 64, 0);
    bool found = false;
    for (long i = 0; i < n; i++)
        found = found || list[i] == st.stx_mnt_id;
    say("listed: %s, /tmp among them: %d", n < 0 ? error_name(errno) : "some", found);
    TRY(syscall(NR_listmount, &request, list, 1, 0));
    TRY(syscall(NR_listmount, &request, list, 2000000, 0));
}

static void attributes(void)
{
    struct {
        uint64_t value;
        uint32_t size, flags;
        uint64_t more;
    } args = {.value = (uint64_t)(uintptr_t)"of the file", .size = 11};
    char text[32] = "";
    say("-- attributes");
    make_file("/tmp/attributes", "");
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 16));
    args.flags = 1; /* XATTR_CREATE */
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 16));
    args.flags = 0;
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 8));
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 24));
    args.more = 1;
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 24));
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 5000));
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", 8, 16));
    args.size = 70000;
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 16));
    args.size = 3;
    args.value = 8;
    TRY(syscall(NR_setxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 16));
    TRY(syscall(NR_getxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 16));
    args.size = 0;
    TRY(syscall(NR_getxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 16));
    args.value = (uint64_t)(uintptr_t)text;
    args.size = 5;
    TRY(syscall(NR_getxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.a", &args, 16));
    args.size = sizeof text;
    TRY(syscall(NR_getxattrat, AT_FDCWD, "/tmp/attributes", 0, "user.b", &args, 16));
    int fd = (int)MUST(open("/tmp/attributes", O_RDONLY));
    TRY(syscall(NR_getxattrat, fd, "", AT_EMPTY_PATH, "user.a", &args, 16));
    say("%s", text);
    args.size = 100000;
    TRY(syscall(NR_getxattrat, fd, "", AT_EMPTY_PATH, "user.a", &args, 16));
    close(fd);
    unlink("/tmp/attributes");
}

static void extents(void)
{
    union {
        struct fiemap map;
        unsigned char bytes[sizeof(struct fiemap) + 4 * sizeof(struct fiemap_extent)];
    } answer;
    say("-- extents");
    int fd = (int)MUST(open("/bin/bash", O_RDONLY)), file = (int)MUST(open("file", O_RDWR)), other = (int)MUST(open("other", O_RDWR | O_CREAT, 0600));
    for (unsigned count = 0; count <= 2; count += 2) {
        memset(&answer, 0xee, sizeof answer);
        answer.map = (struct fiemap){.fm_length = UINT64_MAX, .fm_extent_count = count};
        TRY(ioctl(fd, FS_IOC_FIEMAP, &answer));
        say("%u of %u, flags %x; the first is of %s length, the third is not touched: %d", answer.map.fm_mapped_extents, answer.map.fm_extent_count,
            answer.map.fm_flags, answer.map.fm_extents[0].fe_length == UINT64_C(0xeeeeeeeeeeeeeeee) ? "no" : "some", answer.bytes[sizeof answer.bytes - 1] == 0xee);
    }
    answer.map = (struct fiemap){.fm_length = UINT64_MAX, .fm_flags = 0x80000000};
    TRY(ioctl(fd, FS_IOC_FIEMAP, &answer));
    say("flags %x", answer.map.fm_flags);
    answer.map = (struct fiemap){.fm_length = UINT64_MAX, .fm_extent_count = UINT32_MAX};
    TRY(ioctl(fd, FS_IOC_FIEMAP, &answer));
    TRY(ioctl(fd, FS_IOC_FIEMAP, 8));
    struct {
        struct file_dedupe_range head;
        struct file_dedupe_range_info info[3];
    } same = {.head = {.src_length = 1, .dest_count = 3}, .info = {{.dest_fd = other}, {.dest_fd = 4000}, {.dest_fd = -5}}};
    TRY(ioctl(file, FIDEDUPERANGE, &same));
    for (int i = 0; i < 3; i++)
        say("%s, status %s", same.info[i].dest_fd == (int64_t[]){other, 4000, -5}[i] ? "its number" : "another", error_name(-same.info[i].status));
    same.head.dest_count = 3000;
    TRY(ioctl(file, FIDEDUPERANGE, &same));
}

int main(void)
{
    handles();
    mounts();
    attributes();
    extents();
    return 0;
}
