/* SPDX-License-Identifier: GPL-2.0-only */
/* guests.c: how many processes sessions have.
 *
 * Below a session's process stands the sandbox's pid 1, and below that, whatever guests do, all processes of its pid namespace: who loses its parent gets pid 1 as its
 * new one.  So parents alone tell whose a process is, and one pass over /proc serves all sessions. */
#include "server/guests.h"

#include "src/core/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NOBODYS (-1)
#define UNKNOWN (-2)

struct process {
    pid_t pid, parent;
    int session; /* index; NOBODYS; UNKNOWN until it has been looked for */
};

struct processes {
    struct process *list; /* sorted by pid; owned */
    size_t count, room;
};

/* Read a file of /proc that is small; its text is terminated.  -1: the process is gone. */
static int read_text(const char *path, char *text, size_t size)
{
    RSYS_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (n <= 0)
        return -1;
    text[n] = 0;
    return 0;
}

/* A process's parent; 0: it is gone, or a zombie. */
static pid_t parent_of(pid_t pid)
{
    char path[40], text[512], state;
    int parent;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    /* Its name, which is the guest's choice, stands in parentheses: the last one ends it. */
    const char *end = read_text(path, text, sizeof text) < 0 ? NULL : strrchr(text, ')');
    return end != NULL && sscanf(end, ") %c %d", &state, &parent) == 2 && state != 'Z' && state != 'X' ? parent : 0;
}

/* The view's pager has the sandbox's pid 2. */
static int is_pager(pid_t pid)
{
    char path[40], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    const char *line = read_text(path, text, sizeof text) < 0 ? NULL : strstr(text, "\nNSpid:");
    if (line == NULL)
        return 0;
    size_t length = strcspn(line + 1, "\n");
    return length > 2 && strncmp(line + 1 + length - 2, "\t2", 2) == 0;
}

static int add(struct processes *processes, pid_t pid, pid_t parent)
{
    if (processes->count == processes->room) {
        size_t room = processes->room == 0 ? 1024 : 2 * processes->room;
        struct process *grown = realloc(processes->list, room * sizeof *grown);
        if (grown == NULL)
            return -1;
        processes->list = grown;
        processes->room = room;
    }
    processes->list[processes->count++] = (struct process){pid, parent, UNKNOWN};
    return 0;
}

static int by_pid(const void *a, const void *b)
{
    return (((const struct process *)a)->pid > ((const struct process *)b)->pid) - (((const struct process *)a)->pid < ((const struct process *)b)->pid);
}

static struct process *find(const struct processes *processes, pid_t pid)
{
    struct process key = {.pid = pid};
    return processes->count == 0 ? NULL : bsearch(&key, processes->list, processes->count, sizeof key, by_pid);
}

static int read_processes(struct processes *processes)
{
    DIR *proc = opendir("/proc");
    int result = proc == NULL ? -1 : 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(proc)) != NULL;) {
        pid_t pid = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? (pid_t)atoi(entry->d_name) : 0;
        pid_t parent = pid > 0 ? parent_of(pid) : 0;
        if (parent > 0)
            result = add(processes, pid, parent);
    }
    if (proc != NULL)
        closedir(proc);
    if (processes->count > 0)
        qsort(processes->list, processes->count, sizeof *processes->list, by_pid);
    return result;
}

/* Whose it is: its parent's.  What is found on the way up is kept, so that each is climbed over once.  The entries were read one after the other, so parents may be missing, and
 * even stand in a circle: it is no longer than the list. */
static int session_of(struct processes *processes, struct process *process)
{
    struct process *at = process;
    int session = NOBODYS;
    for (size_t steps = 0; at != NULL && steps <= processes->count; steps++, at = find(processes, at->parent))
        if (at->session != UNKNOWN) {
            session = at->session;
            break;
        }
    for (at = process; at != NULL && at->session == UNKNOWN; at = find(processes, at->parent))
        at->session = session;
    return session;
}

int guests_count(struct guests *sessions, size_t count)
{
    struct processes processes = {0};
    int result = read_processes(&processes);
    for (size_t i = 0; result == 0 && i < count; i++) {
        struct process *own = find(&processes, sessions[i].session);
        sessions[i].count = 0;
        if (own != NULL)
            own->session = (int)i;
    }
    for (size_t i = 0; result == 0 && i < processes.count; i++) {
        struct process *process = &processes.list[i], *parent = find(&processes, process->parent);
        int session = session_of(&processes, process);
        if (session < 0 || process->pid == sessions[session].session || process->parent == sessions[session].session)
            continue; /* nobody's, the session's process, the sandbox's pid 1 */
        if (parent != NULL && parent->parent == sessions[session].session && is_pager(process->pid))
            continue;
        sessions[session].count++;
    }
    free(processes.list);
    return result;
}
