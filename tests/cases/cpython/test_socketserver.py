# SPDX-License-Identifier: GPL-2.0-only
# limit: 240
# root: programs
import cpython

cpython.compare("test_socketserver", resources=["network"])
