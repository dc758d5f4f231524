# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
# root: programs
import cpython

cpython.compare("test_pty")
