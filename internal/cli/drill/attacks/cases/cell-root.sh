# tries: to change the cell's root: its programs, its /etc, its certificates, its mounts
# ends: nothing
# Nothing is changed for long where that works: the root may be the machine's own.
own=hotcell-drill.$$
for in in / /proc/self/root/ /proc/self/cwd/../; do
  for folder in . usr usr/bin usr/lib bin sbin lib etc etc/ssl etc/ssl/certs etc/pki run opt srv nix var var/tmp root home sys dev; do
    (: > "$in$folder/$own") 2>/dev/null && rm -f "$in$folder/$own" && echo "GOT a file in $in$folder"
    (mkdir "$in$folder/$own") 2>/dev/null && rmdir "$in$folder/$own" && echo "GOT a folder in $in$folder"
    (ln -s /tmp "$in$folder/$own") 2>/dev/null && rm -f "$in$folder/$own" && echo "GOT a link in $in$folder"
    (chmod 0755 "$in$folder") 2>/dev/null && echo "GOT a mode on $in$folder"
  done
  for f in bin/sh etc/passwd etc/group etc/hosts etc/hostname etc/resolv.conf etc/nsswitch.conf etc/ssl/certs/ca-certificates.crt \
    etc/ssl/cert.pem etc/pki/tls/certs/ca-bundle.crt run/passwd run/ca-certificates.crt; do
    [ -f "$in$f" ] || continue
    (: >> "$in$f") 2>/dev/null && echo "GOT a way to write $in$f"
    (touch -c -r "$in$f" "$in$f") 2>/dev/null && echo "GOT a time on $in$f"
  done
done
(mount -o remount,rw / || mount --bind /tmp /opt) 2>/dev/null && echo "GOT a mount"
exit 0
