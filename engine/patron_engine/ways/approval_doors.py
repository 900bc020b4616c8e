"""Approval doors: the way approve for the ways that stand below it: save and flow. Loaded with the package."""

from __future__ import annotations

from patron_engine.ways.approval_gone import follow
from patron_engine.ways.approval_steps import node_done, start, withdraw_of
from patron_engine.ways.approve import begin_of
from patron_engine.ways.doors import Doors, open_doors

open_doors(Doors(begin=begin_of, gone=follow, start=start, withdraw=withdraw_of, node_done=node_done))
