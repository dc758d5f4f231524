// SPDX-License-Identifier: GPL-2.0-only
/* sysv-ipc.c: System V shared memory, semaphores and message queues among processes, with exec, SEM_UNDO and signals; what is refused */
// also: preload
#include "guest.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

union semun { /* semctl(2): the caller defines it */
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};
struct message {
    long type;
    char text[64];
};

static key_t key; /* of this run: others may run at the same time */

static int semaphore(int id, unsigned short number, short by, short flags)
{
    struct sembuf op = {number, by, flags};
    return semop(id, &op, 1);
}

static volatile int handled;
static void handler(int number)
{
    handled++;
}

/* Another program, which knows the keys alone. */
static void other(const char *what)
{
    int shm = shmget(key, 0, 0), sem = semget(key, 0, 0), msg = msgget(key, 0);
    struct message message = {.type = 5};
    MUST(shm < 0 || sem < 0 || msg < 0 ? -1 : 0);
    char *memory = shmat(shm, NULL, 0);
    if (strcmp(what, "talk") == 0) {
        MUST(semaphore(sem, 0, -1, 0));
        strcat(memory, ", and the other");
        MUST(semaphore(sem, 1, 1, 0));
        snprintf(message.text, sizeof message.text, "a message");
        MUST(msgsnd(msg, &message, strlen(message.text) + 1, 0));
    } else if (strcmp(what, "undo") == 0) {
        MUST(semaphore(sem, 2, -1, SEM_UNDO));
        MUST(semaphore(sem, 1, 1, 0));
        for (;;)
            pause();
    } else if (strcmp(what, "remove") == 0) {
        MUST(semaphore(sem, 1, 1, 0));
        struct message got;
        ssize_t n = msgrcv(msg, &got, sizeof got.text, 77, 0);
        _exit(n < 0 && (errno == EIDRM || errno == EINVAL) ? 7 : 1); /* EINVAL: it came too late to wait */
    }
    _exit(0);
}

static pid_t start(char *self, const char *what)
{
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        char number[20];
        snprintf(number, sizeof number, "%d", (int)key);
        execl("/proc/self/exe", self, what, number, NULL);
        _exit(127);
    }
    return child;
}

static void talk(char *self, int sem, int msg, char *memory)
{
    struct message message;
    pid_t child = start(self, "talk");
    strcpy(memory, "the one");
    TRY(semaphore(sem, 0, 1, 0));
    TRY(semaphore(sem, 1, -1, 0));
    say("%s", memory);
    TRY(msgrcv(msg, &message, sizeof message.text, 5, 0));
    say("%ld %s", message.type, message.text);
    say_end("the other", child);
}

static void undo(char *self, int sem)
{
    pid_t child = start(self, "undo");
    TRY(semctl(sem, 2, SETVAL, (union semun){.val = 1}));
    TRY(semaphore(sem, 1, -1, 0));
    TRY(semctl(sem, 2, GETVAL));
    CHECK(semctl(sem, 1, GETPID) == getpid());
    kill(child, SIGKILL);
    TRY(semaphore(sem, 2, -1, 0)); /* blocks until the undo */
    say_end("the other", child);
}

static void interrupted(int sem, int msg)
{
    struct message message = {.type = 1};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct timespec soon = {0, 20000000};
    struct sembuf op = {0, -1, 0};
    int kicks;
    sigaction(SIGUSR1, &action, NULL);
    pid_t kicker = kick_until_closed(SIGUSR1, &kicks);
    TRY(semaphore(sem, 0, -1, 0));
    TRY(msgrcv(msg, &message, sizeof message.text, 9, 0));
    while (msgsnd(msg, &message, sizeof message.text, IPC_NOWAIT) == 0)
        ;
    say("full: %s", error_name(errno));
    TRY(msgsnd(msg, &message, sizeof message.text, 0));
    close(kicks);
    reap(kicker);
    CHECK(handled >= 3);
    TRY(semtimedop(sem, &op, 1, &soon));
}

static void refused(int shm, int sem, int msg)
{
    struct shmid_ds status;
    struct message message = {.type = 0};
    TRY(shmget(key, 100, IPC_CREAT | IPC_EXCL | 0600));
    TRY(shmget(key, 1 << 20, 0600));
    TRY(shmget(key + 1, 100, 0600));
    TRY(semget(key, 100, 0600));
    TRY(msgget(key + 1, 0600));
    TRY(semaphore(sem, 10, 1, 0));
    TRY(semctl(sem, 0, SETVAL, (union semun){.val = 100000}));
    TRY(msgsnd(msg, &message, 1, 0));
    TRY(msgrcv(msg, &message, 1, 1234, IPC_NOWAIT));
    TRY(shmctl(shm, IPC_STAT, &status));
    say("%lu bytes, %lu attached, mode %o", (unsigned long)status.shm_segsz, (unsigned long)status.shm_nattch, status.shm_perm.mode);
    CHECK(shmat(shm, (void *)1, 0) == (void *)-1 && errno == EINVAL);
    char *read_only = shmat(shm, NULL, SHM_RDONLY);
    CHECK(read_only != (void *)-1);
    TRY(mprotect(read_only, 4096, PROT_READ | PROT_WRITE));
    TRY(shmdt(read_only));
    TRY(shmdt(read_only));
}

int main(int argc, char **argv)
{
    key = argc == 3 ? atoi(argv[2]) : 0x52000000 + 2 * getpid();
    if (argc == 3)
        other(argv[1]);
    int shm = (int)MUST(shmget(key, 8192, IPC_CREAT | IPC_EXCL | 0600)), sem = (int)MUST(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
    int msg = (int)MUST(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
    char *memory = shmat(shm, NULL, 0);
    CHECK(memory != (void *)-1);
    union semun all = {.array = (unsigned short[3]){0, 0, 0}};
    TRY(semctl(sem, 0, SETALL, all));
    talk(argv[0], sem, msg, memory);
    undo(argv[0], sem);
    interrupted(sem, msg);
    refused(shm, sem, msg);
    pid_t child = fork();
    if (child == 0) {
        strcpy(memory + 4096, "attached by fork");
        _exit(0);
    }
    say_end("child", child);
    say("%s", memory + 4096);
    child = start(argv[0], "remove");
    TRY(semaphore(sem, 1, -1, 0));
    TRY(shmctl(shm, IPC_RMID, NULL));
    say("still there: %s", memory);
    TRY(msgctl(msg, IPC_RMID, NULL));
    say_end("the one that waited", child);
    TRY(semctl(sem, 0, IPC_RMID));
    TRY(semaphore(sem, 0, 1, 0) == -1 && (errno == EIDRM || errno == EINVAL));
    TRY(shmdt(memory));
    TRY(shmget(key, 0, 0));
    return 0;
}
