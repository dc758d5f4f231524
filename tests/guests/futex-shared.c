// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* futex-shared.c: processes that opened the same file by themselves share mutexes, conditions, semaphores and futexes in it, also after exec and after the file was
 * closed and opened anew; a robust mutex tells of its owner's death */
#include "guest.h"

#include <semaphore.h>
#include <sys/prctl.h>

struct shared {
    pthread_mutex_t mutex, robust;
    pthread_cond_t changed;
    int turn, count;
    sem_t sem;
};

static struct shared *map(const char *path)
{
    int fd = (int)MUST(open(path, O_RDWR));
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(shared == MAP_FAILED ? -1 : 0);
    close(fd);
    return shared;
}

static void make(const char *path)
{
    int fd = (int)MUST(open(path, O_CREAT | O_RDWR | O_TRUNC, 0600));
    MUST(ftruncate(fd, sizeof(struct shared)));
    struct shared *shared = map(path);
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->mutex, &mutex);
    pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->robust, &mutex);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->changed, &cond);
    sem_init(&shared->sem, 1, 0);
    munmap(shared, sizeof *shared);
    close(fd);
}

static void take_turns(struct shared *shared, int me)
{
    pthread_mutex_lock(&shared->mutex);
    for (int i = 0; i < 200; i++) {
        while (shared->turn != me)
            pthread_cond_wait(&shared->changed, &shared->mutex);
        shared->count++;
        shared->turn = !me;
        pthread_cond_broadcast(&shared->changed);
    }
    pthread_mutex_unlock(&shared->mutex);
}

/* The other process: by its own mapping of that name. */
static void other(const char *what, const char *path)
{
    struct shared *shared = map(path);
    if (strcmp(what, "turns") == 0) {
        take_turns(shared, 1);
    } else if (strcmp(what, "die") == 0) {
        pthread_mutex_lock(&shared->robust);
        sem_post(&shared->sem);
        for (;;)
            pause();
    } else if (strcmp(what, "wait") == 0) {
        sem_post(&shared->sem);
        long slept = 0; /* EAGAIN: it has been changed already */
        while (__atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST) != 7)
            slept = syscall(SYS_futex, &shared->turn, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0);
        _exit(slept == 0 || errno == EAGAIN ? 7 : 1);
    }
    _exit(0);
}

static void other_named(void)
{
    sem_t *a = sem_open("/rsys-a", 0), *b = sem_open("/rsys-b", 0);
    MUST(a == SEM_FAILED || b == SEM_FAILED ? -1 : 0);
    for (int i = 0; i < 50; i++) {
        sem_wait(a);
        sem_post(b);
    }
    _exit(0);
}

static pid_t start(char *self, const char *what, const char *path, bool exec)
{
    pid_t child = (pid_t)MUST(fork());
    if (child != 0)
        return child;
    if (exec)
        execl("/proc/self/exe", self, what, path, NULL);
    other(what, path);
    return 0;
}

static void turns(char *self, const char *path, bool exec)
{
    struct shared *shared = map(path);
    shared->count = shared->turn = 0;
    pid_t child = start(self, "turns", path, exec);
    take_turns(shared, 0);
    say_end("the other", child);
    say("%d turns", shared->count);
    munmap(shared, sizeof *shared);
}

static void robust(char *self, const char *path, bool exec)
{
    struct shared *shared = map(path);
    pid_t child = start(self, "die", path, exec);
    while (sem_wait(&shared->sem) < 0)
        ;
    say("held: %s", error_name(pthread_mutex_trylock(&shared->robust)));
    kill(child, SIGKILL);
    int code = pthread_mutex_lock(&shared->robust);
    say("lock: %s", error_name(code));
    if (code == EOWNERDEAD)
        say("consistent: %s", error_name(pthread_mutex_consistent(&shared->robust)));
    pthread_mutex_unlock(&shared->robust);
    say_end("the other", child);
    munmap(shared, sizeof *shared);
}

static void futex(char *self, const char *path, bool forget)
{
    struct shared *shared = map(path);
    char name[100];
    shared->turn = 0;
    pid_t child = start(self, "wait", path, true);
    while (sem_wait(&shared->sem) < 0)
        ;
    munmap(shared, sizeof *shared);
    for (int i = 0; forget && i < 300; i++) { /* other files are mapped meanwhile, more than anybody keeps */
        snprintf(name, sizeof name, "many-%d", i);
        make_file(name, "other");
        int fd = (int)MUST(open(name, O_RDWR));
        char *other_file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        other_file[0] = 'O';
        munmap(other_file, 4096);
        close(fd);
        unlink(name);
    }
    shared = map(path);
    __atomic_store_n(&shared->turn, 7, __ATOMIC_SEQ_CST);
    long woken = syscall(SYS_futex, &shared->turn, 1 /* FUTEX_WAKE */, INT_MAX, NULL, NULL, 0);
    say("wake: %s", woken >= 0 ? "done" : error_name(errno));
    say_end("the other", child);
    munmap(shared, sizeof *shared);
}

static void named(char *self)
{
    sem_unlink("/rsys-a");
    sem_unlink("/rsys-b");
    sem_t *a = sem_open("/rsys-a", O_CREAT | O_EXCL, 0600, 0), *b = sem_open("/rsys-b", O_CREAT | O_EXCL, 0600, 0);
    MUST(a == SEM_FAILED || b == SEM_FAILED ? -1 : 0);
    pid_t child = start(self, "named", "", true);
    for (int i = 0; i < 50; i++) {
        sem_post(a);
        sem_wait(b);
    }
    say_end("the other", child);
    TRY(sem_unlink("/rsys-a"));
    TRY(sem_unlink("/rsys-b"));
    TRY(sem_unlink("/rsys-b"));
}

static void posix_memory(void)
{
    shm_unlink("/rsys-m");
    int fd = (int)MUST(shm_open("/rsys-m", O_CREAT | O_EXCL | O_RDWR, 0600));
    TRY(ftruncate(fd, 8192));
    pid_t child = fork();
    if (child == 0) {
        int own = (int)MUST(shm_open("/rsys-m", O_RDWR, 0));
        char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);
        strcpy(memory + 5000, "from the child");
        _exit(0);
    }
    say_end("child", child);
    char *memory = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0), text[15] = "";
    say("%s", memory + 5000);
    TRY(pread(fd, text, 14, 5000));
    say("%s", text);
    TRY(shm_unlink("/rsys-m"));
    TRY(pwrite(fd, "by write", 8, 5005));
    say("%s", memory + 5000);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "named") == 0)
        other_named();
    if (argc == 3)
        other(argv[1], argv[2]);
    const char *paths[] = {"f", "/dev/shm/rsys-f"};
    for (int i = 0; i < 2; i++) {
        make(paths[i]);
        for (int exec = 0; exec < 2; exec++) {
            turns(argv[0], paths[i], exec);
            robust(argv[0], paths[i], exec);
        }
        futex(argv[0], paths[i], false);
        futex(argv[0], paths[i], true);
    }
    TRY(unlink("/dev/shm/rsys-f"));
    TRY(unlink("f"));
    named(argv[0]);
    posix_memory();
    return 0;
}
