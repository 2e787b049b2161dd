# Sourced by ./dev: "did you mean" without any program that may be missing.

is_one_of() {
  local word=$1 other
  shift
  for other in "$@"; do [[ $word == "$other" ]] && return 0; done
  return 1
}

# nearest WORD CANDIDATE...: prints the candidate with the smallest edit distance.
nearest() {
  local word=$1 best='' best_distance=1000 candidate distance
  shift
  for candidate in "$@"; do
    distance=$(edit_distance "$word" "$candidate")
    if ((distance < best_distance)); then
      best_distance=$distance
      best=$candidate
    fi
  done
  echo "$best"
}

# Levenshtein's distance, one row at a time.
edit_distance() {
  local a=$1 b=$2 i j cost diagonal above
  local row=()
  for ((j = 0; j <= ${#b}; j++)); do row[j]=$j; done
  for ((i = 1; i <= ${#a}; i++)); do
    diagonal=${row[0]}
    row[0]=$i
    for ((j = 1; j <= ${#b}; j++)); do
      above=${row[j]}
      cost=1
      [[ ${a:i-1:1} == "${b:j-1:1}" ]] && cost=0
      row[j]=$((diagonal + cost))
      ((above + 1 < row[j])) && row[j]=$((above + 1))
      ((row[j - 1] + 1 < row[j])) && row[j]=$((row[j - 1] + 1))
      diagonal=$above
    done
  done
  echo "${row[${#b}]}"
}
