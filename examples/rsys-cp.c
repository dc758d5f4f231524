/* SPDX-License-Identifier: GPL-2.0-only */
/* rsys-cp.c: copies a file to or from the sandbox of a session, or within it: a name that begins with ":" is the sandbox's.
 *
 *     rsys-cp ADDRESS FROM TO        e.g. rsys-cp unix:/run/rsys.sock :/etc/os-release /tmp/os-release
 *
 * Of a session that ends with this program nothing is left but what its policy keeps (a root of mode rw, a writable bind). */
#include <errno.h>
#include <fcntl.h>
#include <rsys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE (1u << 20)

/* A file of either side; as the library's, every result is a negative errno value when it fails. */
struct file {
    struct rsys_session *session; /* NULL: this machine's */
    int fd;
};

static int file_open(struct file *file, const char *name, struct rsys_session *session, int flags)
{
    file->session = name[0] == ':' ? session : NULL;
    file->fd = file->session != NULL ? rsys_open(session, name + 1, flags, 0666) : open(name, flags, 0666);
    return file->fd < 0 && file->session == NULL ? -errno : file->fd;
}

static ssize_t file_read(const struct file *file, void *buffer, size_t size)
{
    ssize_t got = file->session != NULL ? rsys_read(file->session, file->fd, buffer, size) : read(file->fd, buffer, size);
    return got < 0 && file->session == NULL ? -errno : got;
}

static ssize_t file_write(const struct file *file, const void *buffer, size_t size)
{
    ssize_t put = file->session != NULL ? rsys_write(file->session, file->fd, buffer, size) : write(file->fd, buffer, size);
    return put < 0 && file->session == NULL ? -errno : put;
}

static int file_close(const struct file *file)
{
    int closed = file->session != NULL ? rsys_close(file->session, file->fd) : close(file->fd);
    return closed < 0 && file->session == NULL ? -errno : closed;
}

static int fail(const char *what, ssize_t error)
{
    fprintf(stderr, "rsys-cp: %s: %s\n", what, strerror((int)-error));
    return 1;
}

static int copy(struct rsys_session *session, const char *from_name, const char *to_name, char *buffer)
{
    struct file from, to;
    int opened = file_open(&from, from_name, session, O_RDONLY | O_CLOEXEC);
    if (opened < 0)
        return fail(from_name, opened);
    opened = file_open(&to, to_name, session, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
    if (opened < 0)
        return fail(to_name, opened);
    for (;;) {
        ssize_t got = file_read(&from, buffer, PIECE), put = 0;
        if (got < 0)
            return fail(from_name, got);
        if (got == 0)
            break;
        for (ssize_t done = 0; done < got; done += put)
            if ((put = file_write(&to, buffer + done, (size_t)(got - done))) < 0)
                return fail(to_name, put);
    }
    int closed = file_close(&to);
    return closed < 0 ? fail(to_name, closed) : 0;
}

int main(int argc, char **argv)
{
    struct rsys_error *error = NULL;
    char *buffer = malloc(PIECE);
    if (argc != 4 || buffer == NULL) {
        fprintf(stderr, "usage: rsys-cp ADDRESS [:]FROM [:]TO\n");
        free(buffer);
        return 2;
    }
    struct rsys_session *session = rsys_connect(argv[1], NULL, &error);
    int status = 1;
    if (session == NULL)
        fprintf(stderr, "rsys-cp: %s\n", rsys_error_text(error));
    else
        status = copy(session, argv[2], argv[3], buffer);
    rsys_disconnect(session);
    rsys_error_free(error);
    free(buffer);
    return status;
}
