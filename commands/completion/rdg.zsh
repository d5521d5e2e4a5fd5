#compdef rdg
# Completion of rdg for zsh, made by "rdg completion zsh".
_rdg() {
  local -a typed lines described
  local line value about strip then
  typed=("${(@)words[2,CURRENT-1]}" "$PREFIX")
  lines=("${(@f)$("${words[1]}" completion words -- "${(@)typed}" 2>/dev/null)}")
  then=${lines[-1]}
  # Only what comes after "=" and "," is replaced.
  strip=${PREFIX%"${PREFIX##*[=,]}"}
  for line in "${(@)lines[1,-2]}"; do
    value=${${line%%$'\t'*}#"$strip"}
    about=${line#*$'\t'}
    described+=("${value//:/\\:}${about:+:$about}")
  done
  [[ -n $strip ]] && compset -P '*[=,]'
  (( ${#described} )) && _describe -t rdg rdg described
  case $then in
    :files) _files ;;
    :folders) _files -/ ;;
    ':command '*)
      shift $(( ${then#:command } + 1 )) words
      (( CURRENT -= ${then#:command } + 1 ))
      _normal
      ;;
  esac
}
if [[ ${funcstack[1]} == _rdg ]]; then
  _rdg "$@"
else
  compdef _rdg rdg
fi
