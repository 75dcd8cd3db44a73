"""`completion`: scripts that complete the words of a command line.

kubectl's own completion asks `kubectl_complete-loadtest` about `kubectl loadtest`, wherever kubectl's is loaded. The
scripts here do the same for `kubectl-loadtest`, the plugin under its own name.
"""

import argparse
from typing import Final

from kubectl_loadtest.kubectl import Kubectl

HELP: Final = "print a script for the completion of kubectl-loadtest in bash, zsh or fish"
EPILOG: Final = """\
`kubectl loadtest` is completed by kubectl's own completion (`kubectl completion bash`), which finds
kubectl_complete-loadtest on the PATH. The script printed here completes `kubectl-loadtest`:
  source <(kubectl loadtest completion bash)
  source <(kubectl loadtest completion zsh)
  kubectl loadtest completion fish | source
"""

SCRIPTS: Final = {
    "bash": """\
_kubectl_loadtest() {
    local IFS=$'\\n' words
    words=$(kubectl_complete-loadtest "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | sed -e '/^:/d' -e $'s/\\t.*//')
    COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _kubectl_loadtest kubectl-loadtest
""",
    "zsh": """\
#compdef kubectl-loadtest
_kubectl_loadtest() {
    local -a answers
    answers=("${(@f)$(kubectl_complete-loadtest "${(@)words[2,CURRENT]}" 2>/dev/null |
        sed -e '/^:/d' -e $'s/\\t.*//')}")
    if [[ -n $answers ]]; then compadd -a answers; else _files; fi
}
compdef _kubectl_loadtest kubectl-loadtest
""",
    "fish": """\
function __kubectl_loadtest
    set --local typed (commandline --tokenize --cut-at-cursor --current-process)[2..]
    kubectl_complete-loadtest $typed (commandline --current-token --cut-at-cursor) 2>/dev/null |
        string match --invert --regex '^:'
end
complete --command kubectl-loadtest --arguments '(__kubectl_loadtest)'
""",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("shell", choices=tuple(SCRIPTS), help="whose script is printed")


def run(options: argparse.Namespace, _kubectl: Kubectl) -> int:
    """Print a script."""
    print(SCRIPTS[options.shell], end="")
    return 0
