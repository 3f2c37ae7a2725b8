#!/usr/bin/env bash
# Fills fuzz/corpus/ with small files to begin with: the fixtures and samples of this repository and, where it is, the corpus
# of real files (`PYCAUDIT_CORPUS`).
set -euo pipefail
cd "$(dirname "$0")/.."
# The dependencies of the product, and the fuzzer's own beside them.
cp Cargo.lock fuzz/
seeds=fuzz/corpus
targets=(header pyc compare zip stream scan)
for target in "${targets[@]}"; do mkdir -p "$seeds/$target"; done

# Names are digests, so that the same bytes are one seed and seeding twice changes nothing.
put() { # target; bytes on stdin
  local file="$seeds/$1/.new" name
  cat >"$file"
  name=$(sha1sum "$file")
  mv "$file" "$seeds/$1/${name%% *}"
}

# Larger files slow every mutation down and teach no more.
roots=(tests/fixtures samples)
corpus=${PYCAUDIT_CORPUS:-../shared/corpus}
[ -d "$corpus" ] && roots+=("$corpus/malformed" "$corpus/pyc")
mapfile -t pycs < <(find "${roots[@]}" -name '*.pyc' -size -8192c | sort)
mapfile -t zips < <(find tests/fixtures samples -type f -regextype posix-extended -regex '.*\.(zip|whl|egg|pyz)' -size -32768c | sort)

before=
for pyc in "${pycs[@]}"; do
  put pyc <"$pyc"
  put scan <"$pyc"
  # The first byte of a header seed says where pyc and source are: see tests/it/invariants/header.rs.
  { printf '\3'; head -c 16 "$pyc"; } | put header
  { printf '\6'; head -c 12 "$pyc"; } | put header
  if [ -n "$before" ]; then
    size=$(stat -c %s "$before")
    { printf "\\x$(printf %02x $((size % 256)))\\x$(printf %02x $((size / 256)))"; cat "$before" "$pyc"; } | put compare
  fi
  before=$pyc
done
for zip in "${zips[@]}"; do
  put zip <"$zip"
  put scan <"$zip"
done
mapfile -t streams < <(find tests/fixtures samples -type f -regextype posix-extended -regex '.*\.(tar|tgz|gz|bz2|xz|zst)' -size -32768c | sort)
for stream in "${streams[@]}"; do
  put stream <"$stream"
  put scan <"$stream"
done
# What was found before is where more may be.
for target in "${targets[@]}"; do
  for file in tests/fixtures/regressions/"$target"/*; do
    if [ -f "$file" ]; then put "$target" <"$file"; fi
  done
done
for target in "${targets[@]}"; do echo "$target: $(find "$seeds/$target" -type f | wc -l) seeds"; done
