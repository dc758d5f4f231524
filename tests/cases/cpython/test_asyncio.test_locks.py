# SPDX-License-Identifier: GPL-2.0-only
# limit: 180
# root: programs
# variants: root
import cpython

cpython.compare("test_asyncio.test_locks")
