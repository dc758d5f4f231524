# SPDX-License-Identifier: GPL-2.0-only
# The virtual machine of vsock-nested: runs what it does not trust against its host.
# modules: virtio_pci,vmw_vsock_virtio_transport,fuse
# file: rsys-jail=/usr/bin/rsys-jail
# file: tests/programs/untrusted=/root/untrusted
cd /root || exit 1
rsys-jail --server vsock:2:9000 ./untrusted
echo "status $?"
[ -e /box ] || echo "no /box here"
rsys-jail --server vsock:host:9001 ./untrusted
echo "elsewhere: status $?"
rsys-jail --server vsock:host:9002 ./untrusted
echo "nowhere: status $?"
exec rsys-jail --server vsock:host ./untrusted stay
