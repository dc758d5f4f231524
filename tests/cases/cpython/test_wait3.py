# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
# root: programs
# variants: root
import cpython

cpython.compare("test_wait3")
