/* SPDX-License-Identifier: GPL-2.0-only */
/* library.c: what the benchmarks do through librsys.  Prints nanoseconds an operation.
 *
 *     library ADDRESS WHAT N       null, stat, openread: single calls; batch: ten statuses in a batch, singles: the same without */
#include <fcntl.h>
#include <rsys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 3
#define MANY 10

static struct rsys_session *session;
static struct rsys_batch *batch;
static const char path[] = "/tmp/bench-file";
static char buffer[4096];
static struct stat many[MANY];
static int fd;

static void must(int64_t result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "library: %s: %s\n", what, strerror((int)-result));
    exit(1);
}

static void do_null(void) { must(rsys_lseek(session, fd, 0, SEEK_CUR), "lseek"); }
static void do_stat(void) { must(rsys_stat(session, path, many), "stat"); }

static void do_openread(void)
{
    int opened = rsys_open(session, path, O_RDONLY);
    must(opened, "open");
    must(rsys_read(session, opened, buffer, sizeof buffer), "read");
    must(rsys_close(session, opened), "close");
}

static void do_openread_batch(void)
{
    must(rsys_batch_run(batch, RSYS_BATCH_STOP), "batch");
    for (int i = 0; i < 3; i++)
        must(rsys_batch_result(batch, i), "open, read, close");
}

static void do_singles(void)
{
    for (int i = 0; i < MANY; i++)
        must(rsys_stat(session, path, &many[i]), "stat");
}

static void do_batch(void)
{
    must(rsys_batch_run(batch, 0), "batch");
    for (int i = 0; i < MANY; i++)
        must(rsys_batch_result(batch, i), "stat");
}

static void prepare(const char *what)
{
    batch = rsys_batch_new(session);
    if (strcmp(what, "openread-batch") == 0) {
        must(rsys_batch_add(batch, SYS_openat, (long)AT_FDCWD, path, (long)O_RDONLY, 0l), "add");
        must(rsys_batch_add(batch, SYS_read, 0l, buffer, (long)sizeof buffer), "add");
        must(rsys_batch_add(batch, SYS_close, 0l), "add");
        must(rsys_batch_use(batch, 1, 0, 0), "use");
        must(rsys_batch_use(batch, 2, 0, 0), "use");
    }
    for (int i = 0; strcmp(what, "batch") == 0 && i < MANY; i++)
        must(rsys_batch_add(batch, SYS_stat, path, &many[i]), "add");
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } whats[] = {{"null", do_null}, {"stat", do_stat}, {"openread", do_openread}, {"openread-batch", do_openread_batch}, {"singles", do_singles}, {"batch", do_batch}};
    struct rsys_error *error = NULL;
    if (argc != 4 || (session = rsys_connect(argv[1], NULL, &error)) == NULL) {
        fprintf(stderr, "library: %s\n", argc != 4 ? "ADDRESS WHAT N" : rsys_error_text(error));
        return 1;
    }
    fd = rsys_open(session, path, O_RDWR | O_CREAT, 0600);
    must(fd, path);
    must(rsys_write(session, fd, buffer, sizeof buffer), path);
    prepare(argv[2]);
    double best = 0;
    for (size_t i = 0; i < sizeof whats / sizeof whats[0]; i++)
        for (int round = 0; strcmp(whats[i].name, argv[2]) == 0 && round < ROUNDS; round++) {
            long n = atol(argv[3]);
            double started = now();
            for (long left = n; left > 0; left--)
                whats[i].run();
            double took = (now() - started) / (double)n;
            if (best == 0 || took < best)
                best = took;
        }
    printf("%.1f\n", best);
    rsys_batch_free(batch);
    rsys_disconnect(session);
    return best == 0;
}
