#!/bin/sh
# The system packages that the tests' real components come from, or those named (make test-spark needs Java).
# Installs what is missing as root or under CI=true, with a policy-rc.d that keeps servers from starting by themselves;
# otherwise says in one line what to install.
set -eu
packages="${*:-snmpd snmp prometheus prometheus-alertmanager curl openssl chromium fonts-dejavu-core postgresql}"

missing=
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
  if [ "${CI:-}" = true ]; then as_root="sudo -n"; else
    echo "Tests that need them will be skipped; missing:$missing. Get them with: sudo apt-get install --no-install-recommends$missing"
    exit 0
  fi
fi

policy=/usr/sbin/policy-rc.d
kept=
if [ -e $policy ]; then kept=$policy.bairro-kept; $as_root mv $policy $kept; fi
restore() { $as_root rm -f $policy; [ -z "$kept" ] || $as_root mv "$kept" $policy; }
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
$as_root chmod 755 $policy

echo "Installing system packages:$missing"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing >/dev/null
