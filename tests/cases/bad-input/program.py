# SPDX-License-Identifier: GPL-2.0-only
"""Programs that are missing (127) or cannot be executed (126), in the sandbox and on the client; wrong architecture, missing interpreter."""
import os
import shutil

from caselib import BIN, STAGE, done, jail, says

says(jail("no-such-program"), 127, "no-such-program")
says(jail("/none/such"), 127, "/none/such")
says(jail("/etc/passwd"), 126, "/etc/passwd")
says(jail("/usr"), 126, "/usr")
says(jail("./none"), 127, r"\./none")
with open("plain", "w", encoding="utf-8") as f:
    f.write("text\n")
says(jail("./plain"), 126, r"\./plain")
os.chmod("plain", 0o755)
says(jail("./plain"), 126, r"\./plain")

shutil.copy(f"{STAGE}/guests/dynamic/exit-codes", "wrong")
with open("wrong", "r+b") as f:
    f.seek(18)
    f.write(b"\xb7\x00")  # EM_AARCH64
says(jail("./wrong"), 126, r"\./wrong")

with open(f"{STAGE}/guests/dynamic/exit-codes", "rb") as f:
    data = f.read()
with open("lost", "wb") as f:
    f.write(data.replace(b"ld-linux-x86-64.so.2", b"ld-linux-x86-64.so.9"))
os.chmod("lost", 0o755)
says(jail("./lost"), (126, 127), r"ld-linux-x86-64\.so\.9|interpreter")

with open("script", "w", encoding="utf-8") as f:
    f.write("#!/none/interpreter\n")
os.chmod("script", 0o755)
says(jail("./script"), (126, 127), r"script|interpreter")
says(jail("./exit", cwd=f"{STAGE}/guests/dynamic"), 127)
says(jail("./exit-codes", cwd=f"{STAGE}/guests/dynamic"), 73, "leaving", stream="stdout")
done()
