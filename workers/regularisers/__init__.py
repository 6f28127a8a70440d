"""Regularisers: each file adds a loss that keeps the policy near something or spread out, with `regularise`."""
