# SPDX-License-Identifier: GPL-2.0-only
# limit: 30
# root: programs
import cpython

cpython.compare("test_openpty")
