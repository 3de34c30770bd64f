// What the shells are given. Each asks `drbd completion` for what the last word may become: lines of a word and, behind
// a tab, what it is for; or `:file` or `:directory`, which the shell knows better.

const bash = `# drbd and drbdsetup in bash. Load it with: eval "$(drbd completion bash)"
_drbd_words() {
  local line=\${COMP_LINE:0:COMP_POINT} words answer prefix fragment
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local last=\${words[-1]} program=\${words[0]##*/}
  mapfile -t answer < <(drbd completion --words "$program" -- "\${words[@]:1}" 2>/dev/null)
  # Only what stands behind the last of COMP_WORDBREAKS is replaced.
  fragment=\${COMP_WORDS[COMP_CWORD]}
  fragment=\${fragment:0:\${#last}}
  [[ $fragment == [=:] ]] && fragment=
  prefix=\${last%"$fragment"}
  COMPREPLY=()
  case \${answer[0]} in
    :file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$fragment") ;;
    :directory) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$fragment") ;;
    *)
      local each
      for each in "\${answer[@]}"; do
        each=\${each%%$'\\t'*}
        [[ $each == *[=:,] ]] && compopt -o nospace
        COMPREPLY+=("\${each#"$prefix"}")
      done
      ;;
  esac
}
complete -F _drbd_words drbd drbdsetup node-drbdsetup
`;

const zsh = `#compdef drbd drbdsetup node-drbdsetup
# drbd and drbdsetup in zsh. Put it into a folder of $fpath as _drbd, or load it with: source <(drbd completion zsh)
_drbd() {
  local -a answer whole open
  local each word about
  answer=("\${(@f)$(drbd completion --words "\${words[1]:t}" -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  case $answer[1] in
    :file) [[ $PREFIX == --*=* ]] && compset -P '*='; _files ;;
    :directory) [[ $PREFIX == --*=* ]] && compset -P '*='; _files -/ ;;
    *)
      for each in $answer; do
        word=\${each%%$'\\t'*}
        about=\${each#*$'\\t'}
        [[ $about == $each ]] && about=
        each=\${word//:/\\\\:}\${about:+:$about}
        if [[ $word == *[=:,] ]]; then open+=("$each"); else whole+=("$each"); fi
      done
      _describe -V word whole -- open -S ''
      ;;
  esac
}
if [[ $funcstack[1] == _drbd ]]; then _drbd "$@"; else compdef _drbd drbd drbdsetup node-drbdsetup; fi
`;

const fish = `# drbd and drbdsetup in fish. Load it with: drbd completion fish | source
function __drbd_words
    set -l words (commandline -opc) (commandline -ct)
    set -l program (string replace -r '.*/' '' -- $words[1])
    set -l answer (drbd completion --words $program -- $words[2..-1] 2>/dev/null)
    switch "$answer[1]"
        case :file
            __fish_complete_path (commandline -ct)
        case :directory
            __fish_complete_directories (commandline -ct)
        case '*'
            printf '%s\\n' $answer
    end
end
for program in drbd drbdsetup node-drbdsetup
    complete -c $program -f -a '(__drbd_words)'
end
`;

export const scripts = { bash, zsh, fish } as const;
export type Shell = keyof typeof scripts;
