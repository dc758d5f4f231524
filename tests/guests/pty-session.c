// SPDX-License-Identifier: GPL-2.0-only
/* pty-session.c: sessions on pseudo-terminals: controlling terminals, job control, signals, hang-up */
// also: preload
#include "guest.h"

#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <utmp.h>

static volatile sig_atomic_t got[65];
static void note(int number) { got[number]++; }

static char all[4096]; /* what has come from the master at hand and is not expected yet */
static size_t have;

/* Read from the master until the text has come. */
static void expect(int master, const char *text)
{
    char *found;
    while (all[have] = 0, (found = strstr(all, text)) == NULL) {
        ssize_t n = read(master, all + have, sizeof all - 1 - have);
        if (n <= 0) {
            say("no %s: %s", text, n < 0 ? error_name(errno) : "end");
            have = 0;
            return;
        }
        have += (size_t)n;
    }
    found += strlen(text);
    have -= (size_t)(found - all);
    memmove(all, found, have);
    say("saw %s", text);
}

static void print(const char *text) { MUST(write(1, text, strlen(text))); }

/* forkpty: a session leader with a controlling terminal. */
static void leader(void)
{
    struct winsize size = {.ws_row = 10, .ws_col = 20};
    int master;
    pid_t child = (pid_t)MUST(forkpty(&master, NULL, NULL, &size));
    if (child == 0) {
        char text[128];
        int tty = (int)MUST(open("/dev/tty", O_RDWR));
        struct stat a, b;
        MUST(fstat(0, &a));
        bool same = ioctl(tty, TIOCGWINSZ, &size) == 0 && size.ws_row == 10;
        pid_t sid = 0;
        ioctl(tty, TIOCGSID, &sid);
        MUST(stat(ttyname(0), &b));
        snprintf(text, sizeof text, "leader %d %d %d %d %d.", getsid(0) == getpid(), tcgetpgrp(0) == getpgrp(), same, sid == getpid(), a.st_ino == b.st_ino);
        print(text);
        signal(SIGWINCH, note);
        signal(SIGINT, note);
        print("ready.");
        while (!got[SIGWINCH] || !got[SIGINT])
            usleep(1000);
        print("both.");
        signal(SIGHUP, SIG_DFL);
        print("waits.");
        for (;;)
            pause();
    }
    expect(master, "leader 1 1 1 1 1.");
    expect(master, "ready.");
    size.ws_row = 50;
    TRY(ioctl(master, TIOCSWINSZ, &size));
    MUST(write(master, "\003", 1));
    expect(master, "waits.");
    TRY(ioctl(master, TIOCSIG, SIGWINCH));
    close(master);
    say_end("leader", child);
}

/* setsid, then TIOCSCTTY; /dev/tty before, between and after. */
static void acquire(void)
{
    int master, slave, status[2];
    char name[64];
    MUST(openpty(&master, &slave, name, NULL, NULL));
    MUST(pipe(status));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        pid_t group = 0;
        close(master);
        MUST(setsid());
        TRY(open("/dev/tty", O_RDWR));
        TRY(ioctl(slave, TIOCGPGRP, &group));
        TRY(ioctl(slave, TIOCSCTTY, 0));
        int tty = (int)MUST(open("/dev/tty", O_RDWR | O_CLOEXEC));
        CHECK(isatty(tty) && fcntl(tty, F_GETFD) == FD_CLOEXEC);
        CHECK(tcgetpgrp(tty) == getpid());
        CHECK(tcgetsid(tty) == getpid());
        pid_t grandchild = (pid_t)MUST(fork());
        if (grandchild == 0) {
            MUST(setpgid(0, 0));
            struct sigaction stop = {.sa_handler = note};
            sigaction(SIGTTOU, &stop, NULL);
            sigaction(SIGTTIN, &stop, NULL);
            char byte;
            TRY(tcsetpgrp(tty, getpgrp()));
            CHECK(got[SIGTTOU] > 0);
            TRY(read(tty, &byte, 1));
            CHECK(got[SIGTTIN] > 0);
            signal(SIGTTOU, SIG_IGN);
            TRY(tcsetpgrp(tty, getpgrp()));
            CHECK(tcgetpgrp(tty) == getpid());
            signal(SIGTTOU, SIG_DFL);
            raise(SIGSTOP);
            _exit(5);
        }
        int how;
        MUST(waitpid(grandchild, &how, WUNTRACED));
        CHECK(WIFSTOPPED(how) && WSTOPSIG(how) == SIGSTOP);
        MUST(kill(grandchild, SIGCONT));
        say_end("grandchild", grandchild);
        signal(SIGTTOU, SIG_IGN);
        MUST(tcsetpgrp(tty, getpgrp()));
        signal(SIGHUP, SIG_IGN);
        TRY(ioctl(tty, TIOCNOTTY));
        TRY(open("/dev/tty", O_RDWR));
        _exit(0);
    }
    close(slave);
    say_end("session", child);
    close(master);
}

/* Stopped by a background read, and killed by the hang-up of its orphaned group. */
static void background(void)
{
    int master;
    char byte;
    pid_t child = (pid_t)MUST(forkpty(&master, NULL, NULL, NULL));
    if (child == 0) {
        pid_t job = (pid_t)MUST(fork());
        if (job == 0) {
            setpgid(0, 0);
            (void)!read(0, &byte, 1);
            _exit(byte == 'k' ? 0 : 1);
        }
        int how;
        waitpid(job, &how, WUNTRACED);
        if (WIFSTOPPED(how) && WSTOPSIG(how) == SIGTTIN)
            print("stopped by SIGTTIN.");
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(0, job);
        kill(-job, SIGCONT);
        waitpid(job, &how, 0);
        tcsetpgrp(0, getpgrp());
        print(WIFEXITED(how) && WEXITSTATUS(how) == 0 ? "job read." : "job failed.");
        _exit(0);
    }
    expect(master, "stopped by SIGTTIN.");
    MUST(write(master, "k\n", 2));
    expect(master, "job read.");
    expect(master, "nothing.");
    say_end("shell", child);
    close(master);
}

/* The terminal on 0, 1 and 2, as login has it; the program is found by name and sees its terminal. */
static void logged_in(void)
{
    int master, slave;
    MUST(openpty(&master, &slave, NULL, NULL, NULL));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        close(master);
        MUST(login_tty(slave));
        execlp("sh", "sh", "-c", "tty >/dev/tty; [ -t 0 ] && [ -t 2 ] && echo terminals; stty -echo rows 7; stty size </dev/tty", NULL);
        _exit(127);
    }
    close(slave);
    expect(master, "terminals");
    expect(master, "7 0");
    expect(master, "nothing.");
    say_end("sh", child);
    close(master);
}

/* open(2) without O_NOCTTY: the leader of a session that has no terminal gets it. */
static void by_opening(void)
{
    static const int flags[] = {O_RDWR | O_NOCTTY, O_WRONLY, O_RDWR, O_RDONLY};
    for (int i = 0; i < 5; i++) {
        int master, slave;
        char name[64];
        MUST(openpty(&master, &slave, name, NULL, NULL));
        pid_t child = (pid_t)MUST(fork());
        if (child == 0) {
            int end, fd;
            signal(SIGUSR1, note);
            pid_t kicker = kick_until_closed(SIGUSR1, &end);
            MUST(setsid());
            if (i < 4)
                fd = (int)MUST(open(name, flags[i] | O_CLOEXEC));
            else
                fd = ioctl(master, TIOCGPTPEER, O_RDWR);
            int tty = open("/dev/tty", O_RDWR);
            say("%d: /dev/tty %s, the session's %d, close on exec %d", i, tty < 0 ? error_name(errno) : "there", tcgetsid(fd) == getpid(), fcntl(fd, F_GETFD));
            if (fork() == 0) {
                int other = open("/dev/tty", O_RDONLY);
                say("in a child: %s, of it %d", other < 0 ? error_name(errno) : "there", tcgetsid(slave) == getppid());
                _exit(0);
            }
            wait(NULL);
            signal(SIGHUP, SIG_IGN);
            close(end);
            reap(kicker);
            _exit(0);
        }
        say_end("session", child);
        close(master);
        close(slave);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    by_opening();
    leader();
    acquire();
    background();
    logged_in();
    return 0;
}
