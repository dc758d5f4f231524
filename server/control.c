/* SPDX-License-Identifier: GPL-2.0-only */
/* control.c: the socket where a running daemon says what it does.
 *
 * The daemon itself accepts the connection and asks the kernel who is there, no more: a child, which has a copy of all that the daemon knows, collects the rest
 * and writes the answer.  So neither a reader that does not read nor a thousand sessions make the daemon wait. */
#include "server/control.h"

#include "server/log.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ANSWERING_MAX 8  /* at once */
#define ANSWER_SECONDS 20
#define ASK_MS 30000

struct control {
    struct watch watch;
    struct rsys_address *address; /* owned */
    pid_t answering[ANSWERING_MAX]; /* 0: free */
};

/* Where the socket is.  make: make its directory too.  -1: there is no usual place. */
static int control_path(const struct options *options, bool make, char *path, size_t size)
{
    char directory[4096 - sizeof "/control"];
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (options->control != NULL)
        return snprintf(path, size, "%s", options->control) < (int)size ? 0 : -1;
    if (geteuid() == 0)
        snprintf(directory, sizeof directory, "/run/rsys");
    else if (runtime == NULL || runtime[0] != '/' || snprintf(directory, sizeof directory, "%s/rsys", runtime) >= (int)sizeof directory)
        return -1;
    if (make)
        (void)mkdir(directory, 0755); /* if it fails, listening there says so */
    return snprintf(path, size, "%s/control", directory) < (int)size ? 0 : -1;
}

static struct rsys_address *control_address(const char *path, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *text = NULL;
    if (asprintf(&text, "unix:%s", path) < 0) {
        text = NULL;
        rsys_error_make(err, ENOMEM, "the control socket %s", path);
        return NULL;
    }
    return rsys_address_parse(text, err);
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Nothing of the daemon's is to be held open by us, as ends of file mean something to it and to others: all goes but stderr, fd, and what we read. */
static void close_others(const struct daemon *daemon, int fd)
{
    size_t count = 2;
    for (const struct session *session = daemon->sessions; session != NULL; session = session->next)
        count += session->counters_fd >= 0;
    int *keep = calloc(count, sizeof *keep);
    if (keep == NULL)
        _exit(1);
    keep[0] = STDERR_FILENO;
    keep[1] = fd;
    count = 2;
    for (const struct session *session = daemon->sessions; session != NULL; session = session->next)
        if (session->counters_fd >= 0)
            keep[count++] = session->counters_fd;
    qsort(keep, count, sizeof *keep, ascending);
    unsigned from = 0;
    for (size_t i = 0; i < count; from = (unsigned)keep[i++] + 1)
        if ((unsigned)keep[i] > from)
            (void)syscall(SYS_close_range, from, (unsigned)keep[i] - 1, 0);
    (void)syscall(SYS_close_range, from, ~0u, 0);
    free(keep);
}

static void answer(const struct daemon *daemon, int fd)
{
    char form = 0;
    prctl(PR_SET_NAME, "rsys-status");
    signal(SIGALRM, SIG_DFL);
    alarm(ANSWER_SECONDS); /* whoever asks and does not read is not waited for */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* nor does he outlive the daemon */
    close_others(daemon, fd);
    FILE *out = fdopen(fd, "w");
    if (out == NULL || recv(fd, &form, 1, 0) != 1 || (form != CONTROL_TEXT && form != CONTROL_JSON))
        _exit(1);
    status_write(daemon, form == CONTROL_JSON, out);
    _exit(fflush(out) == 0 ? 0 : 1);
}

static void control_ready(struct daemon *daemon, struct watch *watch)
{
    struct control *control = (struct control *)watch;
    struct rsys_peer peer;
    RSYS_AUTO_FD fd = rsys_address_accept(control->address, watch->fd, &peer);
    if (fd < 0)
        return;
    /* The socket's mode keeps others out, but whoever may write to its directory's parents may have put it elsewhere. */
    if (peer.kind != RSYS_PEER_UID || (peer.id != geteuid() && peer.id != 0)) {
        server_log(LOG_LEVEL_ERROR, "control: %s is not answered", peer.text);
        return;
    }
    pid_t *free_place = NULL;
    for (size_t i = 0; i < ANSWERING_MAX && free_place == NULL; i++)
        free_place = control->answering[i] == 0 ? &control->answering[i] : NULL;
    pid_t pid = free_place != NULL ? fork() : -1;
    if (pid == 0)
        answer(daemon, fd);
    if (pid > 0)
        *free_place = pid;
    else
        server_log(LOG_LEVEL_ERROR, "control: cannot answer: %s", free_place == NULL ? "too many are asking" : strerror(errno));
}

void control_reaped(struct daemon *daemon, pid_t pid)
{
    for (size_t i = 0; daemon->control != NULL && i < ANSWERING_MAX; i++)
        if (daemon->control->answering[i] == pid)
            daemon->control->answering[i] = 0;
}

static int listen_at(struct daemon *daemon, const char *path, struct rsys_error **err)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL)
        return rsys_error_make(err, ENOMEM, "the control socket %s", path);
    daemon->control = control;
    control->watch = (struct watch){.fd = -1, .ready = control_ready};
    control->address = control_address(path, err);
    if (control->address == NULL || (control->watch.fd = rsys_address_listen(control->address, err)) < 0)
        return -1;
    if (daemon_watch(daemon, &control->watch) < 0)
        return rsys_error_make(err, errno, "wait for connections to %s", path);
    return 0;
}

int control_open(struct daemon *daemon, struct rsys_error **err)
{
    char path[4096];
    const char *asked = daemon->options->control;
    RSYS_AUTO_ERROR usual = NULL;
    if ((asked != NULL && asked[0] == 0) || control_path(daemon->options, true, path, sizeof path) < 0)
        return 0;
    if (listen_at(daemon, path, asked != NULL ? err : &usual) == 0) {
        server_log(LOG_LEVEL_DEBUG, "--status asks at %s", path);
        return 0;
    }
    control_close(daemon);
    if (asked != NULL)
        return -1;
    bool other = usual != NULL && usual->code == EADDRINUSE;
    server_log(other ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "this daemon answers no --status: %s%s", rsys_error_text(usual),
               other ? " (another one has it: --control gives this one its own)" : "");
    return 0;
}

void control_close(struct daemon *daemon)
{
    struct control *control = rsys_steal(&daemon->control);
    if (control == NULL)
        return;
    if (control->watch.fd >= 0)
        daemon_unwatch(daemon, &control->watch);
    rsys_close(control->watch.fd);
    if (control->address != NULL)
        rsys_address_unlisten(control->address);
    rsys_address_free(control->address);
    free(control);
}

static int ask(const char *path, char form, struct rsys_error **err)
{
    char buffer[65536];
    ssize_t n;
    struct rsys_address *address = control_address(path, err);
    RSYS_AUTO_FD fd = address != NULL ? rsys_address_connect(address, ASK_MS, err) : -1;
    rsys_address_free(address);
    if (fd < 0)
        return -1;
    if (rsys_send_all(fd, &form, 1, ASK_MS) < 0 && errno != EPIPE)
        return rsys_error_make(err, errno, "ask %s", path);
    size_t got = 0;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ECONNRESET)
            break;
        if (n < 0)
            return rsys_error_make(err, errno, "receive the answer of %s", path);
        got += (size_t)n;
        if (fwrite(buffer, 1, (size_t)n, stdout) != (size_t)n)
            return rsys_error_make(err, errno, "write to standard output");
    }
    if (got == 0)
        return rsys_error_make(err, 0, "%s gives no answer: its log says why", path);
    return fflush(stdout) == 0 ? 0 : rsys_error_make(err, errno, "write to standard output");
}

int control_ask(const struct options *options)
{
    char path[4096];
    RSYS_AUTO_ERROR err = NULL;
    if (control_path(options, false, path, sizeof path) < 0 || path[0] == 0) {
        fprintf(stderr, "rsys-sandboxd: --status: where? XDG_RUNTIME_DIR is not set: name the socket that the daemon has, with --control\n");
        return 1;
    }
    if (ask(path, options->json ? CONTROL_JSON : CONTROL_TEXT, &err) == 0)
        return 0;
    fprintf(stderr, "rsys-sandboxd: --status: %s\n", rsys_error_text(err));
    return 1;
}
