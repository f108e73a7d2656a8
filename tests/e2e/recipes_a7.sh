# The recipe about components, in its quick form: every component of every network has its times.
. tests/e2e/lib.sh

# complete FILE: seven networks; each has a median for all that any search does, and no median is
# above its 99th percentile or maximum.
complete() {
  awk -F, 'NR > 1 {
      network[$1] = 1
      has[$1, $2] = 1
      if (NF != 8 || $3 < 1 || $4 <= 0 || $4 > $5 || $5 > $6) bad = 1
    }
    END {
      count = split("segmentation;sources;exact feasible;milp feasible;prediction candidate;cost graph;" \
        "mutation", wanted, ";")
      for (n in network) {
        networks++
        for (k = 1; k <= count; k++) if (!((n, wanted[k]) in has)) bad = 1
      }
      exit bad || networks != 7
    }' "$1"
}

check "a7 --quick" "$AUTOGO" run recipes/a7_components.lua --quick --out "$WORK/a7"
check "a7: every component of every network" complete "$WORK/a7/a7.csv"
refused "a7: unknown options" 2 "unknown option '--quik'" "$AUTOGO" run recipes/a7_components.lua --quik
