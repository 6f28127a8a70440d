"""The kinds of method: the folder each lives in, its one function, and what that function may ask for.

A method's positional arguments are what it needs; a name outside its kind's list is an error. `engine/supply.py`
says how each is made.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of method.

    `name` is its folder under `workers/`; `function` the public function that every file of it has; `given` are the
    data arguments always passed when named; `asked` are those made only because a method names them, with words
    for the form; `words` says in one sentence what the kind does; `several` tells whether a recipe takes many.
    """

    name: str
    function: str
    title: str
    words: str
    given: tuple[str, ...]
    asked: tuple[tuple[str, str], ...] = ()
    several: bool = False

    @property
    def data(self) -> tuple[str, ...]:
        """Every name that the function may have before its star."""
        return self.given + tuple(name for name, _ in self.asked)


REFERENCE = ("ref_logp_NT", "log-probabilities under the reference policy (the model as it was at step 0)")
MEMORY = ("memory", "numbers kept from step to step, stored in the checkpoint")
GENERATOR = ("generator", "a seeded source of randomness")
# Held-out completions are measured by the reward as it is meant, without what training adds to it.
NOISE = ("generator", "a seeded source of randomness; None for held-out completions, which are scored without noise")
PROGRESS = ("progress", "the step and how many there will be")
GROUPS = ("groups", "which completions answer the same prompt")
GROUP = ("group_N", "the number of each completion's group")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("tasks", "problem", "Task", "Poses problems without end from a seed and verifies answers.", ("rng",)),
        Kind(
            "rewards",
            "reward",
            "Reward",
            "Scores each completion.",
            ("answers",),
            (
                GROUPS,
                PROGRESS,
                NOISE,
                ("queries", "a database in the sandbox, to run SQL"),
                ("programs", "the sandbox, to run Python programs"),
                ("chats", "a model behind an OpenAI-compatible address"),
                ("service", "a reward service behind an address"),
                ("reward_model", "a reward model, given by name"),
                ("likelihood", "a language model, given by name, that reads texts"),
            ),
            several=True,
        ),
        Kind(
            "combining",
            "combine",
            "Combination",
            "Makes one reward of several.",
            ("parts",),
            (("answers", "the completions themselves"), GROUPS, PROGRESS, NOISE),
        ),
        Kind(
            "shaping",
            "shape",
            "Shaping",
            "Changes rewards before anybody compares them.",
            ("value_NK", "valid_NK", "answers", "most_tokens"),
            (
                ("ref_values", "the rewards of completions that the model of step 0 wrote to the same prompts"),
                PROGRESS,
                MEMORY,
            ),
            several=True,
        ),
        Kind(
            "selection",
            "select",
            "Selection",
            "Chooses which prompts, completions or tokens are learned from, and what else is to be sampled.",
            ("prompts", "candidates", "credited"),
            (MEMORY, GENERATOR),
            several=True,
        ),
        Kind(
            "credit",
            "credit",
            "Credit",
            "Turns rewards into an advantage for every token.",
            ("rollouts", "reward_NT"),
            (
                ("value_NT", "a critic's value of each token"),
                REFERENCE,
                ("reward_NK", "each reward by itself, NaN where it does not apply"),
                MEMORY,
                GENERATOR,
                PROGRESS,
            ),
        ),
        Kind(
            "weighting",
            "weigh",
            "Weighting",
            "Sets the weights of several rewards anew at each step.",
            ("weight_K", "reward_NK"),
            (("gram_KK", "inner products of the rewards' policy gradients"), MEMORY, PROGRESS),
        ),
        Kind(
            "objectives",
            "objective",
            "Objective",
            "Turns advantages into a loss for every token, or for every group.",
            ("now", "was", "advantage_NT"),
            (
                REFERENCE,
                GROUP,
                ("reward_N", "the reward of each completion"),
                ("tag_N", "what a selection marked each completion with; -1 for an ordinary one"),
                ("segment_NT", "the number of each token's step (a line of the completion), -1 outside"),
                ("over_vocabulary", "whole next-token distributions, now and when sampled, chunk by chunk"),
                PROGRESS,
            ),
        ),
        Kind(
            "preferences",
            "preference",
            "Preference loss",
            "Learns from completions that are compared or labelled, without sampling.",
            ("pairs", "labelled"),
            (
                ("ref_pairs", "the same pairs under the reference policy (the model as it was at step 0)"),
                ("previous_pairs", "the same pairs under the policy as it was when the round began"),
                ("guide_pairs", "the same pairs under a guide: another run's model"),
                ("ref_labelled", "the labelled completions under the reference policy"),
                ("kl", "KL(policy, reference) estimated on mismatched prompts and completions, without gradient"),
            ),
        ),
        Kind(
            "regularisers",
            "regularise",
            "Regulariser",
            "Adds a loss that keeps the policy near something or spread out.",
            ("now", "was"),
            (REFERENCE,),
            several=True,
        ),
        Kind(
            "reductions",
            "weigh",
            "Reduction",
            "Weighs every token's loss in the sum.",
            ("mask_NT",),
            (GROUP,),
        ),
    )
}
