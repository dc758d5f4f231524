# SPDX-License-Identifier: GPL-2.0-only
# view: fuse
# root: programs
# limit: 60
# Java: a file that is mapped to be written to.
cat >M.java <<'END'
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;

class M {
    public static void main(String[] args) throws Exception {
        try (var f = FileChannel.open(Path.of("map"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            var map = f.map(FileChannel.MapMode.READ_WRITE, 0, 8192);
            map.put(5000, (byte)77); map.force();
            var one = ByteBuffer.allocate(1); f.read(one, 5000);
            f.write(ByteBuffer.wrap(new byte[] {78}), 100);
            System.out.println(one.get(0) + " " + f.size() + " " + map.get(100));
        }
    }
}
END
java M.java; echo "java $?"; rm M.java map
