/* SPDX-License-Identifier: GPL-2.0-only */
/* launch.c: the parent: it connects, makes the cage, and is for the user's shell what the guest is: it waits, stops, continues and ends with it. */
#include "src/jail/launch.h"
#include "src/jail/chosen.h"
#include "src/jail/learn.h"
#include "src/jail/only.h"

#include "src/core/util.h"
#include "src/jail/pager.h"
#include "sandbox/sandbox.h"
#include "transport/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct launch {
    struct rsys_options *options;
    struct rsys_address *address;
    pid_t server;      /* the private server, or 0 */
    int server_fd;     /* its SOCK_SEQPACKET end, or -1 */
    pid_t child;       /* the cage: the guests' pid 1 */
    int link_fd;
    int signal_fd;
    sigset_t mask;     /* as we were started */
    bool foreground;   /* our process group had the terminal at the start */
    struct termios modes; /* its modes then */
    bool killed;       /* the first guest, by a signal */
    struct cage cage;
};

/* ---- a private server ---- */

static int start_server(struct launch *launch, struct rsys_error **err)
{
    const struct rsys_private_server how = {.what = "no --server is given", .beside = true, .mask = &launch->mask};
    char address[32];
    launch->server_fd = rsys_private_server_start(&how, &launch->server, err);
    if (launch->server_fd < 0)
        return -1;
    snprintf(address, sizeof address, "embedded:%d", launch->server_fd);
    launch->address = rsys_address_parse(address, err);
    return launch->address != NULL ? 0 : -1;
}

/* ---- the session ---- */

static int take_welcome(struct rsys_session *session, const void *payload, size_t size, struct rsys_error **err)
{
    if (rsys_welcome_take(payload, size, &session->welcome, &session->rules, err) < 0)
        return -1;
    session->confined = (session->welcome.flags & RSYS_WELCOME_CONFINED) != 0;
    session->chosen = session->options->only != NULL;
    if (session->chosen)
        return rsys_only_rules(session->options->only, &session->rules, &session->choice, err);
    /* The program would run outside of a cage: that is the user's to say, and not the server's. */
    if (session->rules.default_action == RSYS_ACTION_LOCAL)
        return rsys_error_make(err, 0, "the server's policy leaves calls to this machine (its defaultAction is \"local\"), where the program would have your own files: --only policy agrees");
    return 0;
}

static int hello(struct launch *launch, struct rsys_error **err)
{
    struct rsys_session *session = &launch->cage.session;
    int timeout = launch->options->connect_timeout_ms;
    RSYS_AUTO_FREE void *payload = NULL;
    size_t size = 0;
    unsigned resume = rsys_address_breaks(launch->address) ? launch->options->resume_timeout : 0;
    session->control_fd = rsys_address_connect(launch->address, timeout, err);
    if (session->control_fd < 0 || rsys_hello_session(session->control_fd, resume, timeout, &payload, &size, err) < 0 ||
        take_welcome(session, payload, size, err) < 0)
        return -1;
    session->resume = session->welcome.resume;
    return session->resume <= resume ? 0 : rsys_error_make(err, 0, "the server's welcome promises to wait longer than it was asked to");
}

/* The pager's executor: a channel for it, and its greeting there. */
static int spawn_pager(struct launch *launch, struct rsys_error **err)
{
    struct rsys_session *session = &launch->cage.session;
    int timeout = launch->options->connect_timeout_ms;
    launch->cage.pager_fd = rsys_address_connect(launch->address, timeout, err);
    if (launch->cage.pager_fd < 0)
        return -1;
    if (rsys_hello_channel(launch->cage.pager_fd, session->welcome.token, 0) < 0)
        return rsys_error_make(err, errno, "ask the server for the view's executor");
    session->control_seq = 1;
    return rsys_spawn(session->control_fd, session->control_seq, launch->cage.pager_fd, 2, true, timeout, "the view's executor", err);
}

static int find_program(struct launch *launch, struct rsys_error **err)
{
    struct pager pager;
    if (pager_start(&pager, launch->cage.pager_fd, 0, launch->cage.session.welcome.nofile) < 0) {
        rsys_error_make(err, ENOMEM, "pager");
        return RSYS_EXIT_OURS;
    }
    pager.asked = rsys_learn_request;
    int status = program_prepare(launch->options, &pager, launch->cage.session.welcome.uid, err);
    if (status == 0)
        status = program_find(&launch->cage.program, launch->options, &pager, err);
    launch->cage.pager_seq = pager.seq;
    pager.fd = -1; /* the channel goes on in the cage */
    pager_end(&pager);
    return status;
}

static int open_trace(struct launch *launch, struct rsys_error **err)
{
    const char *name = launch->options->trace;
    launch->cage.session.trace_fd = -1;
    if (name == NULL)
        return 0;
    int fd = name[0] == 0 ? fcntl(2, F_DUPFD_CLOEXEC, 3) : open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    launch->cage.session.trace_fd = fd;
    return fd >= 0 ? 0 : rsys_error_make(err, errno, "--trace=%s", name);
}

/* The descriptor stays the supervisor's, too: no guest's name leads to the file. */
static int open_learned(struct launch *launch, struct rsys_error **err)
{
    const char *name = launch->options->learn;
    if (name == NULL)
        return 0;
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    return fd < 0 ? rsys_error_make(err, errno, "--learn=%s", name) : rsys_learn_start(fd, name, err);
}

/* ---- the cage ---- */

/* The child begins as pid 1 of the namespaces; it waits until we, who have the privilege, have written its id maps. */
static int start_cage(struct launch *launch, struct rsys_error **err)
{
    struct cage *cage = &launch->cage;
    int ready[2], link[2], spare[2], view[2] = {-1, -1};
    if (pipe2(ready, O_CLOEXEC) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, spare) < 0 ||
        (cage->session.resume != 0 && !cage->session.chosen && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, view) < 0))
        return rsys_error_make(err, errno, "pipe");
    cage->ready_fd = ready[0];
    cage->session.link_fd = link[1];
    cage->session.spare_fd = spare[1];
    cage->session.view_spare_fd = view[1];
    cage->session.guest_mask = launch->mask;
    bool caged = !cage->session.chosen;
    if (caged)
        cage_choose_ids(cage);
    fflush(NULL);
    unsigned long flags = !caged ? 0 : CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET;
    launch->child = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (launch->child == 0) {
        close(ready[1]);
        close(link[0]);
        close(spare[0]);
        rsys_close(view[0]);
        close(launch->signal_fd);
        rsys_close(launch->server_fd);
        cage_main(cage);
    }
    int code = errno;
    RSYS_AUTO_FD write_end = ready[1];
    close(ready[0]);
    close(link[1]);
    close(spare[1]);
    rsys_close(view[1]);
    launch->link_fd = link[0];
    if (launch->child < 0)
        return caged ? rsys_sandbox_explain_userns(code, err) : rsys_error_make(err, code, "fork the supervisor");
    if (caged && rsys_sandbox_write_maps(launch->child, cage->range > 1 ? 0 : cage->session.guest_uid, cage->outside_uid,
                                cage->range > 1 ? 0 : cage->session.guest_gid, cage->outside_gid, cage->range, err) < 0)
        return -1;
    struct rsys_connector connector = {.fd = spare[0], .address = launch->address, .timeout_ms = launch->options->connect_timeout_ms};
    memcpy(connector.token, cage->session.welcome.token, sizeof connector.token);
    if (rsys_connector_start(&connector, err) < 0)
        return -1;
    connector.fd = view[0];
    if (view[0] >= 0 && rsys_connector_start(&connector, err) < 0)
        return -1;
    return write(write_end, "", 1) == 1 ? 0 : rsys_error_make(err, errno, "start the cage");
}

/* ---- waiting ---- */

/* A signal for us.  What the terminal sends goes to the whole foreground group, so the guest has it already; what a process sends to us alone is meant
 * for the guest, and so is a hang-up that we get for the session that we lead. */
static void pass_signal(struct launch *launch, const struct signalfd_siginfo *info)
{
    struct rsys_link message = {.kind = RSYS_LINK_SIGNAL, .value = (int32_t)info->ssi_signo};
    bool hung_up = info->ssi_signo == SIGHUP && getsid(0) == getpid();
    if (info->ssi_signo == SIGCHLD || (info->ssi_code == SI_KERNEL && !hung_up))
        return;
    (void)!send(launch->link_fd, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Our shell is to see of us what it would see of the guest, and by what signal; SIGCONT then continues both.  The terminal's signals have no effect on an orphaned
 * process group, as they have none on the guest. */
static void stop_like_guest(int number)
{
    const struct sigaction stop = {.sa_handler = SIG_DFL};
    struct sigaction had;
    sigset_t one;
    if (number != SIGTSTP && number != SIGTTIN && number != SIGTTOU) {
        raise(SIGSTOP);
        return;
    }
    sigemptyset(&one);
    sigaddset(&one, number);
    sigaction(number, &stop, &had);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    sigprocmask(SIG_BLOCK, &one, NULL);
    sigaction(number, &had, NULL);
}

/* Whether there was a message. */
static bool take_link(struct launch *launch)
{
    struct rsys_link message;
    ssize_t n = recv(launch->link_fd, &message, sizeof message, MSG_DONTWAIT);
    if (n == 0) { /* the supervisor is about to end: SIGCHLD tells the rest */
        rsys_close(launch->link_fd);
        launch->link_fd = -1; /* poll passes over it */
    }
    if (n != sizeof message)
        return false;
    if (message.kind == RSYS_LINK_STOPPED)
        stop_like_guest(message.value);
    launch->killed |= message.kind == RSYS_LINK_KILLED;
    return true;
}

/* Wait for the cage's end: rsys-jail's exit status. */
static int wait_cage(struct launch *launch, struct rsys_error **err)
{
    int status;
    for (;;) {
        pid_t ended = waitpid(launch->child, &status, WNOHANG);
        if (ended == launch->child) {
            launch->child = 0;
            break;
        }
        if (ended < 0 && errno != EINTR) {
            rsys_error_make(err, errno, "wait for the supervisor");
            return RSYS_EXIT_OURS;
        }
        struct pollfd fds[2] = {{.fd = launch->signal_fd, .events = POLLIN}, {.fd = launch->link_fd, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0)
            continue;
        struct signalfd_siginfo info;
        if (fds[0].revents != 0 && read(launch->signal_fd, &info, sizeof info) == sizeof info)
            pass_signal(launch, &info);
        if (fds[1].revents != 0)
            take_link(launch);
    }
    while (take_link(launch))
        ;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    rsys_error_make(err, 0, "the supervisor was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return RSYS_EXIT_OURS;
}

/* A guest with job control of its own may have left the terminal to a process group that is no more.  And one that was killed had no time to put its modes
 * back: a shell does that for a command that was killed, but what it sees of us is an exit. */
static void take_terminal_back(struct launch *launch, bool killed)
{
    int terminal = launch->cage.session.console_fd;
    sigset_t mask;
    if (!launch->foreground)
        return;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTTOU);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    pid_t group = tcgetpgrp(terminal);
    if (group >= 0 && group != getpgrp())
        tcsetpgrp(terminal, getpgrp());
    if (killed)
        tcsetattr(terminal, TCSANOW, &launch->modes);
}

/* Take as signalfd events what would stop or end us before the guest has had its say.  Dispositions stay as they are: the guest inherits them. */
static int block_signals(struct launch *launch, struct rsys_error **err)
{
    static const int taken[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGWINCH, SIGPIPE};
    sigset_t mask;
    sigemptyset(&mask);
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(taken); i++)
        sigaddset(&mask, taken[i]);
    sigprocmask(SIG_BLOCK, &mask, &launch->mask);
    launch->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC);
    return launch->signal_fd >= 0 ? 0 : rsys_error_make(err, errno, "signalfd");
}

static int run(struct launch *launch, struct rsys_error **err)
{
    if (open_trace(launch, err) < 0 || open_learned(launch, err) < 0)
        return RSYS_EXIT_OURS;
    if (launch->options->server != NULL)
        launch->address = rsys_address_parse(launch->options->server, err);
    else if (start_server(launch, err) < 0)
        return RSYS_EXIT_OURS;
    if (launch->address == NULL || rsys_address_use_key(launch->address, launch->options->key, rsys_sandbox_confine_worker, err) < 0 || hello(launch, err) < 0 ||
        (!launch->cage.session.chosen && spawn_pager(launch, err) < 0))
        return RSYS_EXIT_OURS;
    launch->cage.session.address = launch->address;
    int status = launch->cage.session.chosen ? beside_find(&launch->cage.program, launch->options, err) : find_program(launch, err);
    if (status != 0)
        return status;
    if (block_signals(launch, err) < 0 || start_cage(launch, err) < 0)
        return RSYS_EXIT_OURS;
    /* The session is the cage's alone from here on: when it goes, the connections go.  What a private server is reached by stays for the connector. */
    rsys_close(rsys_fd_steal(&launch->cage.session.control_fd));
    rsys_close(rsys_fd_steal(&launch->cage.pager_fd));
    if (launch->cage.session.chosen)
        rsys_beside_let_go();
    status = wait_cage(launch, err);
    take_terminal_back(launch, launch->killed || status == RSYS_EXIT_OURS);
    return status;
}

/* Whatever of 0, 1 and 2 is closed would be taken by descriptors of ours, which a guest must not have. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    rsys_close(fd);
}

/* What the user has left open.  A directory would lead out of the cage: names can start there, and `..` goes up from it. */
static int look_at_descriptors(struct rsys_session *session, struct rsys_error **err)
{
    static const char *const names[] = {"input", "output", "error"};
    struct stat st = {0};
    for (int fd = 0; fd <= 2; fd++) {
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && session->options->only == NULL)
            return rsys_error_make(err, 0, "standard %s is a directory: through it the program would reach this machine's files", names[fd]);
        session->has_sockets |= S_ISSOCK(st.st_mode);
        if (session->console_fd < 0 && isatty(fd))
            session->console_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
    /* Guests cannot open it by its name: their names are the sandbox's. */
    session->tty_fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    session->tty_path_fd = open("/dev/tty", O_PATH | O_CLOEXEC);
    return 0;
}

int rsys_launch(struct rsys_options *options, struct rsys_error **err)
{
    fill_standard_descriptors();
    struct launch launch = {.options = options, .server_fd = -1, .link_fd = -1, .signal_fd = -1};
    launch.cage.session = (struct rsys_session){.options = options, .control_fd = -1, .proc_fd = -1, .tty_fd = -1, .tty_path_fd = -1,
                                                .console_fd = -1, .pts_fd = -1, .trace_fd = -1, .link_fd = -1};
    if (options->only != NULL && rsys_only_rules(options->only, NULL, &launch.cage.session.choice, err) < 0)
        return RSYS_EXIT_OURS;
    rsys_rules_free(&launch.cage.session.choice);
    if (look_at_descriptors(&launch.cage.session, err) < 0)
        return RSYS_EXIT_OURS;
    launch.cage.pager_fd = launch.cage.program.local_fd = -1;
    sigprocmask(SIG_SETMASK, NULL, &launch.mask);
    int terminal = launch.cage.session.console_fd;
    launch.foreground = terminal >= 0 && tcgetpgrp(terminal) == getpgrp() && tcgetattr(terminal, &launch.modes) == 0;
    int status = run(&launch, err);
    if (launch.child > 0) { /* not yet waited for */
        kill(launch.child, SIGKILL);
        waitpid(launch.child, NULL, 0);
    }
    rsys_close(launch.cage.session.control_fd);
    rsys_close(launch.cage.pager_fd);
    rsys_close(launch.cage.session.trace_fd);
    rsys_close(launch.cage.session.tty_fd);
    rsys_close(launch.cage.session.tty_path_fd);
    rsys_close(launch.cage.session.console_fd);
    rsys_close(launch.server_fd);
    program_free(&launch.cage.program);
    rsys_rules_free(&launch.cage.session.rules);
    rsys_rules_free(&launch.cage.session.choice);
    rsys_address_free(launch.address);
    return status;
}
