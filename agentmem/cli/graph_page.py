"""A graph as one self-contained HTML page to walk, and as a picture."""

from __future__ import annotations

import html
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from agentmem.errors import MissingDependency

if TYPE_CHECKING:
    import networkx

_TEXT = 600
_COLOURS = {"phrase": "#2b6cb0", "passage": "#c05621"}


def page(graph: networkx.MultiGraph, *, title: str) -> str:
    """One HTML page that loads nothing: a drawing to move, a search box, and what is known of each node."""
    places = {node: i for i, node in enumerate(graph.nodes)}
    data = {
        "nodes": [
            {"l": str(d.get("label", node)), "k": d.get("kind", ""), "t": str(d.get("text", ""))[:_TEXT]}
            for node, d in graph.nodes(data=True)
        ],
        "edges": [
            {
                "a": places[a],
                "b": places[b],
                "k": d.get("kind", ""),
                "l": str(d.get("label", "")),
                "w": round(float(d.get("weight", 1.0)), 3),
                "s": places.get(f"phrase:{d.get('subject')}", places[a]),
            }
            for a, b, d in graph.edges(data=True)
        ],
    }
    # "<" is escaped, so that no text of a memory can end the script or begin a tag
    listed = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    listed = listed.replace("\u2029", "\\u2029")
    return _PAGE.replace("@TITLE@", html.escape(title)).replace("@DATA@", listed)


def picture(graph: networkx.MultiGraph, path: str | Path) -> None:
    """Draw the graph and save it as PNG.

    Raises:
        MissingDependency: matplotlib is not installed (extra ``evals``).
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependency("matplotlib", "evals") from None
    import networkx

    layout = networkx.spring_layout(networkx.Graph(graph), seed=0, iterations=60)
    figure = Figure(figsize=(14, 10), dpi=120, layout="tight")
    axes = figure.add_subplot()
    axes.set_axis_off()
    styles = {"fact": ("0.45", "-"), "holds": ("0.85", "-"), "synonym": ("tab:green", ":")}
    for a, b, kind in graph.edges(data="kind"):
        colour, line = styles.get(kind, ("0.6", "-"))
        begin, end = layout[a], layout[b]
        x, y = [begin[0], end[0]], [begin[1], end[1]]
        axes.plot(x, y, color=colour, linestyle=line, linewidth=0.7, zorder=1)
    for kind, colour in _COLOURS.items():
        chosen = [node for node, found in graph.nodes(data="kind") if found == kind]
        sizes = [12 + 6 * graph.degree(node) ** 0.5 for node in chosen]
        points = [layout[node] for node in chosen]
        if points:
            across, up = zip(*points, strict=True)
            axes.scatter(across, up, s=sizes, c=colour, zorder=2, label=kind)
    for node, data in graph.nodes(data=True):
        if data.get("kind") == "phrase":
            text = str(data.get("label", node))[:28].replace("$", r"\$")
            axes.annotate(text, layout[node], fontsize=5.5, ha="center", va="bottom", zorder=3)
    axes.legend(loc="lower right", fontsize=8)
    with warnings.catch_warnings():  # scripts that no installed font has are drawn as boxes
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(str(path), format="png")


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>@TITLE@: graph</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root{color-scheme:light dark}
body{margin:0;font:14px/1.45 system-ui,sans-serif;display:flex;height:100vh;
background:Canvas;color:CanvasText}
#side{width:340px;box-sizing:border-box;padding:14px;overflow:auto;border-left:1px solid #8884}
#stage{flex:1;min-width:0;position:relative}
canvas{width:100%;height:100%;display:block;cursor:grab;touch-action:none}
input{width:100%;box-sizing:border-box;padding:6px;font:inherit}
button{all:unset;cursor:pointer;color:#2b6cb0}button:hover,button:focus-visible{text-decoration:underline}
h2{font-size:16px;margin:12px 0 4px}ul{padding-left:16px;margin:6px 0}p.text{white-space:pre-wrap}
.k{opacity:.6}#path{margin:8px 0;opacity:.8}
</style></head><body>
<div id="stage"><canvas></canvas></div>
<div id="side"><input id="find" type="search" placeholder="Find a phrase or a passage" aria-label="Find">
<div id="path"></div><div id="what"></div><p class="k"><span style="color:#2b6cb0">\u25cf</span> phrase
<span style="color:#c05621">\u25a0</span> passage &middot; lines: a fact, or held by; dashed: alike.<br>
Click a node, then walk along its edges; drag to move, turn the wheel to zoom.</p></div>
<script type="application/json" id="data">@DATA@</script>
<script>
"use strict";
const G=JSON.parse(document.getElementById("data").textContent),N=G.nodes,E=G.edges;
const near=N.map(()=>[]);E.forEach(e=>{near[e.a].push(e);if(e.b!==e.a)near[e.b].push(e)});
const C={phrase:"#2b6cb0",passage:"#c05621"},canvas=document.querySelector("canvas"),
 g=canvas.getContext("2d");
const order=N.map((_,i)=>i).sort((a,b)=>near[b].length-near[a].length);
let seed=7;const rnd=()=>(seed=seed*16807%2147483647)/2147483647;
N.forEach(n=>{n.x=(rnd()-.5)*900;n.y=(rnd()-.5)*900;n.vx=n.vy=0});
let zoom=.8,ox=0,oy=0,heat=1,chosen=-1,walked=[],held=null,pan=null,moved=false,
 follow=-1;
function step(){const k=60;
 for(let i=0;i<N.length;i++){const a=N[i];for(let j=i+1;j<N.length;j++){const b=N[j];
  let dx=a.x-b.x,dy=a.y-b.y,
  d=dx*dx+dy*dy+1;if(d>250000)continue;const f=k*k/d*1.6;
  a.vx+=dx*f/10;a.vy+=dy*f/10;b.vx-=dx*f/10;b.vy-=dy*f/10}
  a.vx-=a.x*.004;a.vy-=a.y*.004}
 for(const e of E){const a=N[e.a],b=N[e.b],dx=b.x-a.x,dy=b.y-a.y,d=Math.hypot(dx,dy)||1,
  f=(d-k)*.05/Math.sqrt(Math.min(near[e.a].length,near[e.b].length));
  a.vx+=dx/d*f*8;a.vy+=dy/d*f*8;b.vx-=dx/d*f*8;b.vy-=dy/d*f*8}
 for(const n of N){const s=Math.hypot(n.vx,n.vy)||1,m=Math.min(s,30*heat);
  if(n!==held){n.x+=n.vx/s*m;n.y+=n.vy/s*m}
  n.vx*=.5;n.vy*=.5}heat*=.99}
function draw(){if(follow>=0){ox=-N[follow].x*zoom;oy=-N[follow].y*zoom}
 const r=devicePixelRatio||1,w=canvas.clientWidth,h=canvas.clientHeight;
 if(canvas.width!==w*r||canvas.height!==h*r){canvas.width=w*r;canvas.height=h*r}
 g.setTransform(r,0,0,r,0,0);g.clearRect(0,0,w,h);g.translate(w/2+ox,h/2+oy);g.scale(zoom,zoom);
 const lit=new Set();if(chosen>=0){lit.add(chosen);near[chosen].forEach(e=>{lit.add(e.a);lit.add(e.b)})}
 for(const e of E){const on=e.a===chosen||e.b===chosen;g.globalAlpha=chosen<0?.35:on?.95:.08;
  g.strokeStyle=e.k==="synonym"?"#2f855a":e.k==="holds"?"#999":"#777";g.setLineDash(e.k==="synonym"?[4,3]:[]);
  g.lineWidth=(on?1.6:.8)/zoom**.5;g.beginPath();g.moveTo(N[e.a].x,N[e.a].y);
  g.lineTo(N[e.b].x,N[e.b].y);g.stroke()}
 g.setLineDash([]);const ink=getComputedStyle(document.body).color;
 const size=i=>3+Math.sqrt(near[i].length);
 N.forEach((n,i)=>{const s=size(i);g.globalAlpha=chosen<0||lit.has(i)?1:.15;g.fillStyle=C[n.k]||"#666";
  g.beginPath();n.k==="passage"?g.rect(n.x-s,n.y-s,2*s,2*s):g.arc(n.x,n.y,s,0,7);g.fill()});
 g.globalAlpha=1;g.fillStyle=ink;const high=12/zoom**.6,taken=[];g.font=high+"px system-ui";
 for(const i of order){if(chosen>=0?!lit.has(i):N[i].k!=="phrase")continue;
  // the best connected first, none over another
  const x=N[i].x+size(i)+2,y=N[i].y+4,t=N[i].l.slice(0,40),box=[x,y-high,x+g.measureText(t).width,y];
  if(i!==chosen&&taken.some(b=>b[0]<box[2]&&box[0]<b[2]&&b[1]<box[3]&&box[1]<b[3]))continue;
  taken.push(box);g.fillText(t,x,y)}}
(function loop(){if(heat>.02)step();draw();requestAnimationFrame(loop)})();
const el=(tag,text,cls)=>{const x=document.createElement(tag);if(text!==undefined)x.textContent=text;
 if(cls)x.className=cls;return x};
function go(i,keep){chosen=i;const what=document.getElementById("what"),path=document.getElementById("path");
 what.replaceChildren();path.replaceChildren();if(i<0){walked=[];return}
 if(!keep){const at=walked.indexOf(i);at>=0?walked.length=at+1:walked.push(i)}
 walked.forEach((j,p)=>{if(p)path.append(" \\u2192 ");const b=el("button",N[j].l.slice(0,30));
  b.onclick=()=>go(j);path.append(b)});
 what.append(el("h2",N[i].l),el("div",N[i].k+", "+near[i].length+" edges","k"));
 if(N[i].t)what.append(el("p",N[i].t,"text"));const list=el("ul");
 near[i].slice().sort((a,b)=>b.w-a.w).slice(0,200).forEach(e=>{const j=e.a===i?e.b:e.a,row=el("li"),
  b=el("button",N[j].l.slice(0,80));b.onclick=()=>{go(j);follow=j};
  const said=e.k==="fact"?(e.s===i?e.l+" \\u2192 ":"\\u2190 "+e.l+" "):e.k==="synonym"?"like ("+e.w+") ":
   N[i].k==="passage"?"holds ":"in ";
  row.append(el("span",said,"k"),b);list.append(row)});what.append(list)}
const at=ev=>{const r=canvas.getBoundingClientRect();return[(ev.clientX-r.left-r.width/2-ox)/zoom,
 (ev.clientY-r.top-r.height/2-oy)/zoom]};
const hit=ev=>{const[x,y]=at(ev);let best=-1,d=14/zoom;N.forEach((n,i)=>{const e=Math.hypot(n.x-x,n.y-y);
 if(e<d){d=e;best=i}});return best};
canvas.onpointerdown=ev=>{canvas.setPointerCapture(ev.pointerId);const i=hit(ev);moved=false;follow=-1;
 if(i>=0)held=N[i];else pan=[ev.clientX-ox,ev.clientY-oy]};
canvas.onpointermove=ev=>{if(held){[held.x,held.y]=at(ev);moved=true;heat=Math.max(heat,.3)}
 else if(pan){ox=ev.clientX-pan[0];oy=ev.clientY-pan[1];moved=true}};
canvas.onpointerup=ev=>{if(!moved)go(hit(ev));held=pan=null};
canvas.onwheel=ev=>{ev.preventDefault();const f=Math.exp(-ev.deltaY*.0012),[x,y]=at(ev);
 zoom=Math.min(6,Math.max(.1,zoom*f));const[u,v]=at(ev);ox+=(u-x)*zoom;oy+=(v-y)*zoom};
function find(text){const q=text.trim().toLowerCase();if(!q)return go(-1);
 let i=N.findIndex(n=>n.l.toLowerCase()===q);if(i<0)i=N.findIndex(n=>n.l.toLowerCase().includes(q));
 if(i<0)i=N.findIndex(n=>n.t.toLowerCase().includes(q));
 if(i>=0){walked=[];go(i);follow=i}}
const box=document.getElementById("find");box.oninput=()=>find(box.value);
if(location.hash.length>1){box.value=decodeURIComponent(location.hash.slice(1));find(box.value)}
</script></body></html>
"""
