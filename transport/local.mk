# SPDX-License-Identifier: GPL-2.0-only
noinst_LIBRARIES += librsys-transport.a
librsys_transport_a_CPPFLAGS = $(AM_CPPFLAGS) $(GNUTLS_CFLAGS) -DRSYS_SBINDIR='"$(sbindir)"'
librsys_transport_a_SOURCES = \
	transport/transport.h transport/ops.h transport/address.c transport/tcp.c transport/vsock.c transport/unix.c transport/embedded.c \
	transport/frames.c transport/hello.c transport/party.c \
	transport/tls.h transport/tls-inner.h transport/tls.c transport/tls-keys.c transport/tls-handshake.c transport/tls-relay.c transport/tls-kernel.c \
	transport/tls-process.c \
	transport/session.h transport/session.c transport/private.c
# For the programs that link it.
TRANSPORT_LIBS = librsys-transport.a librsys-core.a $(GNUTLS_LIBS)
