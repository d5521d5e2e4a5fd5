# Completion of rdg for bash, made by "rdg completion bash". Works with and without bash-completion.
_rdg() {
  local rest=${COMP_LINE:0:COMP_POINT} words=() starts=() word tail strip line c n
  COMPREPLY=()
  # bash splits words at "=", ":" and "@" as well: put together what no blank stands between.
  for ((n = 0; n < COMP_CWORD; n++)); do
    word=${COMP_WORDS[n]}
    if ((n > 0)) && [[ $rest != [[:space:]]* && $rest == "$word"* ]]; then
      words[${#words[@]} - 1]+=$word
    else
      rest=${rest#"${rest%%[![:space:]]*}"}
      words+=("$word")
      starts+=("$n")
    fi
    rest=${rest#"$word"}
  done
  if [[ $rest == [[:space:]]* ]]; then
    words+=("${rest#"${rest%%[![:space:]]*}"}")
    starts+=("$COMP_CWORD")
  else
    words[${#words[@]} - 1]+=$rest
  fi
  word=${words[${#words[@]} - 1]}
  tail=$word
  for c in = : @; do
    if [[ $COMP_WORDBREAKS == *"$c"* ]]; then tail=${tail##*"$c"}; fi
  done
  strip=${word%"$tail"}
  while IFS= read -r line; do
    case $line in
      :nothing) ;;
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$tail")
        ;;
      :folders)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$tail")
        ;;
      ":command "*)
        n=${line#:command }
        if declare -F _command_offset >/dev/null; then
          _command_offset "${starts[n + 1]}"
        else
          compopt -o filenames 2>/dev/null
          c=-f
          if ((n + 2 == ${#words[@]})); then c=-cf; fi
          while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
            if [[ $c == -cf ]]; then compgen -c -- "$tail"; fi
            compgen -f -- "$tail"
          )
        fi
        return
        ;;
      *)
        line=${line%%$'\t'*}
        COMPREPLY+=("${line#"$strip"}")
        ;;
    esac
  done < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
}
complete -F _rdg rdg
