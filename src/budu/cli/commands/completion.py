"""`budu completion`: scripts for bash, zsh and fish, which ask `budu __complete`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context

# bash breaks words at ":" and "="; the line is read anew so that an image's tag stays one word.
_BASH = r"""# bash completion for budu: source <(budu completion bash)
_budu() {
    local line=${COMP_LINE:0:COMP_POINT} words word tail
    read -ra words <<< "$line"
    [[ $line == *" " ]] && words+=("")
    word=${words[-1]}
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        if [[ $candidate == :files ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
            compopt -o filenames
            return
        fi
        COMPREPLY+=("$candidate")
    done < <(budu __complete -- "${words[@]:1}" 2>/dev/null)
    tail=${word%"${word##*[:=]}"}
    [[ -n $tail ]] && COMPREPLY=("${COMPREPLY[@]#"$tail"}")
    [[ ${COMPREPLY[0]} == *: ]] && compopt -o nospace
}
complete -F _budu budu
"""

_ZSH = r"""#compdef budu
# zsh completion for budu: source <(budu completion zsh)
_budu() {
    local -a found
    local line
    while IFS= read -r line; do
        [[ $line == :files* ]] && { _files; return }
        line=${line//:/\\:}
        found+=("${line/$'\t'/:}")
    done < <(budu __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    _describe -V budu found
}
compdef _budu budu
"""

_FISH = r"""# fish completion for budu: budu completion fish | source
function __budu_complete
    set -l words (commandline -opc)[2..] (commandline -ct)
    for line in (budu __complete -- $words 2>/dev/null)
        if string match -q ':files*' -- $line
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c budu -f -a '(__budu_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def run_completion(context: Context, call: Call) -> int:
    """Print the script of a shell."""
    script = SCRIPTS.get(call.args[0])
    if script is None:
        raise CommandFailed(f"unsupported shell: {call.args[0]} (bash, fish or zsh)")
    context.out.write(script)
    return 0


def run_complete(context: Context, call: Call) -> int:
    """Print candidates for the last word, one a line: the word, a tab, its meaning."""
    from budu.cli.complete import candidates

    for word, meaning in candidates(context, call.args or [""]):
        context.out.write(f"{word}\t{meaning}\n" if meaning else f"{word}\n")
    return 0


COMPLETION = Command(
    run_completion,
    usage="bash|zsh|fish",
    help=("Print the completion script of a shell", "셸 자동 완성 스크립트를 출력합니다"),
    least=1,
    most=1,
)
COMPLETE = Command(
    run_complete,
    usage="[WORD...]",
    help=("Answer the completion scripts", "자동 완성 스크립트에 답합니다"),
)
