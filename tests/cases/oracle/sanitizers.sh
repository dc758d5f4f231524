# SPDX-License-Identifier: GPL-2.0-only
# limit: 120
# What gcc's sanitizers add to a program starts, watches it and finds its faults.  LeakSanitizer is left out: it traces its process, which a guest cannot be.
set -u
cat >faults.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int shared, counted;
static void *count(void *argument)
{
    for (int i = 0; i < 1000; i++)
        __atomic_add_fetch(&counted, 1, __ATOMIC_RELAXED);
    return argument;
}
static void *race(void *argument)
{
    for (int i = 0; i < 100000; i++)
        shared++;
    return argument;
}
static void pair(void *(*body)(void *))
{
    pthread_t a, b;
    pthread_create(&a, NULL, body, NULL);
    pthread_create(&b, NULL, body, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
}
int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    pair(count);
    printf("%d\n", counted);
    fflush(stdout);
    volatile char *heap = malloc(10);
    volatile int number = 0x7fffffff;
    if (strcmp(what, "heap") == 0)
        heap[10 + argc - 2] = 1;
    if (strcmp(what, "freed") == 0) {
        free((void *)heap);
        heap[0] = 1;
    }
    if (strcmp(what, "race") == 0)
        pair(race);
    if (strcmp(what, "overflow") == 0)
        number += argc;
    if (strcmp(what, "shift") == 0)
        number = 1 << (number & 63);
    puts("the end");
    return 0;
}
END
export ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=exitcode=66
for kind in address thread undefined; do
    gcc -g -O1 -fsanitize=$kind -o faults-$kind faults.c -lpthread || exit 1
    for fault in none heap freed race overflow shift; do
        ./faults-$kind $fault >out 2>err
        echo "$kind, $fault: $?"
        cat out
        # The finding and where it is, without addresses and pids.
        grep -E '^SUMMARY|runtime error' err | sed 's/0x[0-9a-f]*/ADDRESS/g; s,/[^ ]*/,,g' | sort -u
    done
done
