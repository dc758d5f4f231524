# SPDX-License-Identifier: GPL-2.0-only
noinst_LIBRARIES += librsys-transport.a
librsys_transport_a_SOURCES = \
	transport/transport.h transport/ops.h transport/address.c transport/tcp.c transport/vsock.c transport/unix.c transport/embedded.c \
	transport/frames.c transport/hello.c transport/party.c
