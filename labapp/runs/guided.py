"""The guided run: what a newcomer launches first, and one sentence beside each part that says why it is there."""

from workers.contract.catalogue import Catalogue
from workers.contract.spec import Budget, Model, Optimiser, Pick, Prompts, RewardPick, RunSpec

EXPERIMENT = "Getting started"

WORDS: dict[str, str] = {
    "model": "A language model of a million parameters that ships with Merit; it knows the task's notation, "
    "and often answers carelessly.",
    "prompts": "Sums and differences, made without end from the seed; held-out ones are never trained on.",
    "rewards": "Being right counts fully and being short a little: the two pull in different directions, and the "
    "Front tab shows the trade.",
    "credit": "GRPO compares the completions of one prompt: what beats its siblings is encouraged, the rest is not.",
    "objective": "The clipped objective takes a step in that direction, but none so large that the samples no longer "
    "tell about the policy.",
    "regularisers": "A weak pull towards the model as it was, so that fluency is kept while behaviour changes.",
    "reduction": "Every token counts the same, in short completions and in long ones.",
    "sizes": "Sixteen prompts with eight completions each make one step of 128 completions.",
    "optimiser": "A rate at which the rise takes most of the run, slow enough to be watched; each batch is used "
    "twice, so that the policy moves away from its own samples and the ratio and the clip have something to show.",
    "budget": "Sixty steps, which take one to two minutes on two processor cores.",
}


def guided(catalogue: Catalogue) -> RunSpec:
    """The guided run with the digests of the methods as they are now; MethodError when one of them is missing."""

    def pick(kind: str, name: str, **params: object) -> Pick:
        return Pick(kind, name, params, catalogue.get(kind, name).digest)

    def reward(label: str, name: str, weight: float) -> RewardPick:
        return RewardPick(label, name, {}, weight, catalogue.get("rewards", name).digest)

    return RunSpec(
        name="guided-run",
        model=Model(),
        prompts=Prompts(task=pick("tasks", "arithmetic")),
        rewards=(reward("correct", "exact_answer", 1.0), reward("brevity", "brevity", 0.15)),
        credit=pick("credit", "grpo"),
        objective=pick("objectives", "ppo_clip"),
        reduction=pick("reductions", "token_mean"),
        regularisers=(pick("regularisers", "kl_k3", coef=0.01),),
        optimiser=Optimiser(learning_rate=5e-5, passes=2),
        budget=Budget(steps=60, eval_every=5, eval_prompts=64, checkpoint_every=10),
    )
