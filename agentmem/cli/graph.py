"""The command of graphs: a memory's phrases and passages as GraphML, a page to walk, or a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentmem.cli.group import Failure
from agentmem.cli.options import Setup, common, file_argument

if TYPE_CHECKING:
    import networkx

FORMATS = ("graphml", "html", "png")
_ENDINGS = {".graphml": "graphml", ".xml": "graphml", ".html": "html", ".htm": "html", ".png": "png"}


@click.command("graph")
@file_argument
@click.argument("output", type=click.Path(dir_okay=False))
@click.option("--format", "format_", type=click.Choice(FORMATS), help="By the ending of OUTPUT by default.")
@click.option("--around", multiple=True, help="Only what lies near this phrase; may be repeated.")
@click.option("--hops", type=click.IntRange(0), default=2, show_default=True, help="How near.")
@click.option(
    "--nodes", type=click.IntRange(1), help="At most so many, the best connected; 400 for html, 150 for png."
)
@common
def graph_command(
    setup: Setup,
    file: str,
    output: str,
    format_: str | None,
    around: tuple[str, ...],
    hops: int,
    nodes: int | None,
) -> int:
    """Export the graph of a memory.

    What its memories speak of, and which of them belong together, written to OUTPUT: GraphML for other
    tools, one HTML page to look at and walk (nothing is loaded from anywhere), or a PNG picture. The store
    is hipporag unless --store names another that has a graph. Exit code 1 when there is nothing to show.
    """
    chosen = format_ or _ENDINGS.get(Path(output).suffix.lower())
    if chosen is None:
        raise click.UsageError(f"{output!r} has none of the endings .graphml .html .png; name a --format")
    with replace(setup, store=setup.store or "hipporag").open(file) as memory:
        make = getattr(memory, "graph", None)
        if make is None:
            raise Failure(f"the store {memory.name!r} has no graph; use --store hipporag", "NoGraph")
        graph: networkx.MultiGraph = make()
    whole = len(graph)
    if around:
        graph = near(graph, around, hops)
    limit = nodes or {"html": 400, "png": 150}.get(chosen)
    if limit is not None:
        graph = strongest(graph, limit)
    if not len(graph):
        setup.note("Nothing to show.")
        return 1
    if chosen == "graphml":
        import networkx

        networkx.write_graphml(printable(graph), output)
    elif chosen == "html":
        from agentmem.cli.graph_page import page

        Path(output).write_text(page(graph, title=Path(file).name), encoding="utf-8")
    else:
        from agentmem.cli.graph_page import picture

        picture(graph, output)
    setup.note(f"{len(graph)} of {whole} nodes and {graph.number_of_edges()} edges in {output}.")
    return 0


def near(graph: networkx.MultiGraph, phrases: tuple[str, ...], hops: int) -> networkx.MultiGraph:
    """What lies within some hops of the nodes whose label holds a phrase.

    Raises:
        Failure: no label holds one of them.
    """
    import networkx

    kept: set[str] = set()
    for wanted in phrases:
        folded = wanted.casefold()
        found = [node for node, label in graph.nodes(data="label") if folded in str(label).casefold()]
        exact = [node for node in found if str(graph.nodes[node]["label"]).casefold() == folded]
        if not found:
            raise Failure(f"nothing in the graph is called {wanted!r}", "NotFound", 1)
        for node in exact or found:
            kept.update(networkx.single_source_shortest_path_length(graph, node, cutoff=hops))
    return graph.subgraph(kept).copy()


def strongest(graph: networkx.MultiGraph, count: int) -> networkx.MultiGraph:
    """The best connected nodes."""
    if len(graph) <= count:
        return graph
    order = sorted(graph.degree(), key=lambda pair: (-pair[1], str(pair[0])))
    return graph.subgraph([node for node, _ in order[:count]]).copy()


def printable(graph: networkx.MultiGraph) -> networkx.MultiGraph:
    """A copy without the control characters that XML cannot hold."""
    import re

    import networkx

    unfit = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

    def clean(values: dict[str, object]) -> dict[str, object]:
        return {k: unfit.sub(" ", v) if isinstance(v, str) else v for k, v in values.items()}

    made = networkx.MultiGraph()
    made.add_nodes_from((unfit.sub(" ", node), clean(data)) for node, data in graph.nodes(data=True))
    made.add_edges_from(
        (unfit.sub(" ", a), unfit.sub(" ", b), clean(data)) for a, b, data in graph.edges(data=True)
    )
    return made
