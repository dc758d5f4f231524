// SPDX-License-Identifier: GPL-2.0-only
// limit: 60
/* threads-churn.c: threads begin while others end, in the first process of the session: none of them is taken for one that nobody knows */
// also: tls preload
#include "guest.h"

static int made;
static void *nothing(void *argument) { return argument; }

static void *churn(void *argument)
{
    for (int i = 0; i < 500; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0)
            __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    say("%d threads", made);
    return 0;
}
