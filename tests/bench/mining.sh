#!/bin/sh
# Byte-pair encoding against SentencePiece's spm_train on the same strings in one run: CPU time, the
# ratio, and whether the merges are the same. PART=10 takes a tenth of the corpus.
set -eu
BUILD=${BUILD:-build}
AUTOGO=${AUTOGO:-$BUILD/autogo}
command -v spm_train >/dev/null || { echo "skipped: spm_train (Debian package sentencepiece) is absent"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

counts=$("$AUTOGO" run tests/bench/mining.lua "$work" "${PART:-1}")
set -- $counts
graphs=$1 nodes=$2 symbols=$3 ours=$4

# One token more than ours: the unknown piece.
peer=$({
  spm_train --input="$work/text" --model_prefix="$work/model" --model_type=bpe --vocab_size=2001 \
    --character_coverage=1.0 --normalization_rule_name=identity --add_dummy_prefix=false \
    --remove_extra_whitespaces=false --split_by_whitespace=false --split_by_number=false \
    --split_by_unicode_script=false --max_sentencepiece_length=16 --hard_vocab_limit=false \
    --bos_id=-1 --eos_id=-1 --max_sentence_length=100000 --num_threads=1 >"$work/log" 2>&1
  times
} | awk 'END { split($1, user, /[ms]/); split($2, kernel, /[ms]/)
  print 60 * user[1] + user[2] + 60 * kernel[1] + kernel[2] }')

# Merges stand in SentencePiece's vocabulary after the unknown piece, single symbols after them.
merges=$(wc -l <"$work/merges")
sed 1d "$work/model.vocab" | cut -f1 | head -n "$merges" >"$work/peer"

# In a run X X X, SentencePiece forgets one of the pairs when the other is merged with something else,
# so that a token twice over (X X) may come later there, and what competes with it changes places. Up
# to the first such one the lists must be equal.
both=$(sort "$work/merges" "$work/peer" | uniq -d | wc -l)
verdict=$(paste "$work/merges" "$work/peer" | LC_ALL=C awk -F'\t' -v both="$both" '$1 != $2 {
    half = length($1) / 2
    doubled = half % 3 == 0 && substr($1, 1, half) == substr($1, half + 1)
    print "the first " NR - 1 " equal, then " (doubled ? "a token twice over" : "A DIFFERENT ONE") \
      "; " both " in both"
    exit
  }')

awk -v g="$graphs" -v n="$nodes" -v s="$symbols" -v ours="$ours" -v peer="$peer" \
  -v verdict="${verdict:-all equal}" -v merges="$merges" 'BEGIN {
    printf "byte-pair encoding: %d graphs, %d nodes, %d labels\n", g, n, s
    printf "  ours %.2f s, spm_train %.2f s: %.1f times faster\n", ours, peer, peer / ours
    printf "  %d merges, %s\n", merges, verdict
  }'
