# SPDX-License-Identifier: GPL-2.0-only
# limit: 120
# root: programs
# variants: root
import cpython

cpython.compare("test_selectors")
