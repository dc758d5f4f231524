# SPDX-License-Identifier: GPL-2.0-only
# limit: 240
# root: programs
# variants: root
import cpython

cpython.compare("test_threading")
