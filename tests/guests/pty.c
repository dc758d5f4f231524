// SPDX-License-Identifier: GPL-2.0-only
/* pty.c: pseudo-terminals: making one, its names, its modes, data through the line discipline, hang-up */
// also: preload
#include "guest.h"

#include <pty.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <termios.h>
#include <utmp.h>

static void show_stat(const char *what, const struct stat *st)
{
    say("%s: %06o %u:%u device %u:%u", what, st->st_mode, st->st_uid, st->st_gid, major(st->st_rdev), minor(st->st_rdev));
}

/* posix_openpt and what goes with it. */
static void by_hand(void)
{
    char name[64], link[64], path[64];
    struct stat st, named;
    int number = -1, locked = -1;
    int master = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    CHECK(fcntl(master, F_GETFD) == FD_CLOEXEC);
    TRY(ioctl(master, TIOCGPTN, &number));
    TRY(ptsname_r(master, name, sizeof name));
    say("%s", name);
    TRY(ioctl(master, TIOCGPTLCK, &locked));
    say("locked %d", locked);
    TRY(open(name, O_RDWR | O_NOCTTY));
    TRY(grantpt(master));
    TRY(unlockpt(master));
    int slave = (int)MUST(open(name, O_RDWR | O_NOCTTY));
    TRY(isatty(slave));
    TRY(isatty(master));
    TRY(ttyname_r(slave, name, sizeof name));
    say("%s", name);
    MUST(fstat(slave, &st));
    MUST(stat(name, &named));
    show_stat("slave", &st);
    CHECK(st.st_dev == named.st_dev && st.st_ino == named.st_ino && st.st_rdev == named.st_rdev);
    MUST(lstat(name, &named));
    CHECK(st.st_ino == named.st_ino);
    MUST(stat("/dev/ptmx", &named));
    show_stat("/dev/ptmx", &named);
    MUST(lstat("/dev/ptmx", &named));
    CHECK(S_ISLNK(named.st_mode));
    MUST(fstat(master, &st));
    MUST(stat("/dev/pts/ptmx", &named));
    CHECK(st.st_rdev == named.st_rdev && st.st_ino == named.st_ino);
    snprintf(path, sizeof path, "/proc/self/fd/%d", slave);
    ssize_t n = readlink(path, link, sizeof link - 1);
    link[n < 0 ? 0 : n] = 0;
    CHECK(strcmp(link, name) == 0);
    TRY(readlink(name, link, sizeof link));
    TRY(readlink("/dev/pts/99", link, sizeof link));
    TRY(open("/dev/pts/99", O_RDWR));
    TRY(stat("/dev/pts/99", &st));
    TRY(open("/dev/pts/099", O_RDWR));
    TRY(open(name, O_RDWR | O_NOCTTY | O_CREAT | O_EXCL, 0600));
    TRY(open(name, O_RDONLY | O_DIRECTORY));
    int peer = (int)MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    CHECK(fcntl(peer, F_GETFD) == FD_CLOEXEC);
    CHECK(ioctl(slave, TIOCGPTPEER, O_RDWR) == -1);
    say("%s", error_name(errno));
    MUST(write(peer, "x", 1));
    TRY(read(master, link, sizeof link));
    close(peer);
    close(slave);
    TRY(read(master, link, sizeof link)); /* nobody has the slave open */
    slave = (int)MUST(open(name, O_RDWR | O_NOCTTY));
    close(master);
    TRY(read(slave, link, sizeof link)); /* hung up */
    TRY(write(slave, "x", 1));
    TRY(open(name, O_RDWR | O_NOCTTY));
    close(slave);
    TRY(stat(name, &st));
}

static void modes(int slave, const char *name)
{
    struct stat st;
    struct timespec times[2] = {{1000, 0}, {2000, 0}};
    TRY(fchmod(slave, 0600));
    MUST(fstat(slave, &st));
    show_stat("fchmod", &st);
    TRY(chmod(name, 0622));
    MUST(stat(name, &st));
    show_stat("chmod", &st);
    TRY(fchown(slave, getuid(), (gid_t)-1));
    TRY(chown(name, getuid(), getgid()));
    MUST(stat(name, &st));
    show_stat("chown", &st);
    TRY(utimensat(AT_FDCWD, name, times, 0));
    MUST(stat(name, &st));
    say("times %ld %ld", (long)st.st_atime, (long)st.st_mtime);
    TRY(access(name, R_OK | W_OK));
    TRY(access(name, X_OK));
    TRY(access(name, 99));
    TRY(truncate(name, 0));
}

static void directory(void)
{
    struct dirent *entry;
    DIR *dir = opendir("/dev/pts");
    int count = 0;
    if (dir == NULL) {
        say("opendir: %s", error_name(errno));
        return;
    }
    struct stat st;
    while ((entry = readdir(dir)) != NULL) {
        count++;
        if (strcmp(entry->d_name, "0") == 0)
            WORKS(fstatat(dirfd(dir), entry->d_name, &st, 0));
    }
    say("%d names", count);
    int fd = (int)TRY(openat(dirfd(dir), "0", O_RDWR | O_NOCTTY));
    CHECK(isatty(fd));
    close(fd);
    TRY(openat(dirfd(dir), "nothing", O_RDONLY));
    closedir(dir);
    TRY(open("/dev/pts", O_WRONLY));
    TRY(open("/dev/pts/new", O_CREAT | O_RDWR, 0600));
}

static void discipline(int master, int slave)
{
    char text[64] = "";
    struct termios termios;
    struct winsize size = {.ws_row = 33, .ws_col = 44}, got;
    int on = 1, waiting = -1;
    MUST(tcgetattr(slave, &termios));
    say("%o %o %o %o", termios.c_iflag, termios.c_oflag, termios.c_cflag, termios.c_lflag);
    MUST(write(master, "typed\n", 6));
    TRY(read(slave, text, sizeof text));
    memset(text, 0, sizeof text);
    TRY(read(master, text, sizeof text));
    say("echo %d %d", text[5], text[6]);
    termios.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
    TRY(tcsetattr(slave, TCSAFLUSH, &termios));
    MUST(write(master, "raw", 3));
    TRY(poll(&(struct pollfd){.fd = slave, .events = POLLIN}, 1, -1));
    MUST(ioctl(slave, FIONREAD, &waiting));
    say("waiting %d", waiting);
    TRY(read(slave, text, sizeof text));
    TRY(ioctl(master, TIOCSWINSZ, &size));
    TRY(ioctl(slave, TIOCGWINSZ, &got));
    say("%d x %d", got.ws_row, got.ws_col);
    TRY(ioctl(master, TIOCPKT, &on));
    MUST(write(slave, "packet", 6));
    memset(text, 0, sizeof text);
    TRY(read(master, text, sizeof text));
    say("%d %s", text[0], text + 1);
    TRY(ioctl(slave, TIOCEXCL));
    TRY(ioctl(slave, TIOCNXCL));
    TRY(fcntl(master, F_SETFL, O_NONBLOCK));
    TRY(read(master, text, sizeof text));
    TRY(ioctl(slave, TIOCSTI, "x") == 0); /* natively only as the controlling terminal, and not with a recent kernel's default; never in a jail */
}

int main(void)
{
    int master, slave;
    char name[64];
    by_hand();
    TRY(openpty(&master, &slave, name, NULL, NULL));
    modes(slave, name);
    directory();
    discipline(master, slave);
    TRY(close(slave));
    TRY(close(master));
    TRY(access("/dev/tty", F_OK));
    struct stat st;
    MUST(stat("/dev/tty", &st));
    say("/dev/tty %o %u:%u", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
    /* Of a terminal's name; openpty() has made number 0 anew. */
    TRY(openpty(&master, &slave, name, NULL, NULL));
    TRY(getxattr(name, "system.posix_acl_access", NULL, 0));
    TRY(lgetxattr("/dev/ptmx", "user.none", NULL, 0));
    TRY(lgetxattr("/dev/pts", "security.selinux", NULL, 0));
    TRY(listxattr(name, NULL, 0));
    return 0;
}
