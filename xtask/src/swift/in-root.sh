# Runs a program in another root, in which some folders of this machine stand under their own paths.
# usage: unshare --mount --propagation private sh in-root.sh ROOT FOLDER... -- PROGRAM ARGUMENT...
# The mounts are those of the namespace, and gone with the program.
set -eu
root=$1
shift
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    shift
done
shift
exec chroot "$root" "$@"
