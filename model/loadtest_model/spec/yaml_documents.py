"""YAML as the API server reads it. A module of its own: importing the parser takes 40 ms, and only a file needs it."""

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Reads 2020-01-31 as the text that it is to the API server, not as a date."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _LoaderWithoutAliases(_Loader):
    """Refuses aliases, by which a short text can stand for one of any length."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read here")
        return super().compose_node(parent, index)


def documents_in(text: str, *, takes_aliases: bool = True) -> list[Any]:
    """The documents as plain values. Raises ValueError, saying where it is not YAML."""
    try:
        return list(yaml.load_all(text, _Loader if takes_aliases else _LoaderWithoutAliases))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
