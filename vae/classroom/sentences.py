"""What reconciles a wrong answer with the right one: a sentence for each claim, each patient and each race, and each wrong
answer.

The figures in them are those of the claims' evidence, and of the patients trained as the zoo trains them.
"""

from __future__ import annotations

from collections.abc import Mapping

from vae.classroom.questions import CLAIM, PATIENT, RACE, Question
from vae.classroom.races import FIRST, SAME, SECOND


def reconcile(question: Question, answer: str) -> str:
    """The sentence for that wrong answer; none for the right one, and none where the numbers have turned a verdict."""
    known = SENTENCES[question.kind][question.key]
    return "" if question.answer in known else known.get(answer, "")


CLAIMS: Mapping[str, Mapping[str, str]] = {
    "perfect_costs": {
        "true": "It does cost, but the cost pulls nowhere: it is H(x), its slope in p is 0, and p = x stays the best prediction.",
        "not so": "It does cost: BCE(.2, .2) is .50 nats, the entropy of x. What is not so is that this moves the prediction.",
    },
    "asymmetry": {
        "true, but": "It holds as it stands: at x = .2 predicting .1 costs .044 above the least, and .3 only .026. "
        "The squared error is .01 both times.",
        "not so": "Equal sides are the squared error's (.01 and .01). BCE costs .044 above its least at .1, and .026 at .3.",
    },
    "direction": {
        "true": ".28 and .08 are -x log p alone. The whole BCE is .526 at .7 and .545 at .9, so predicting .9 costs more.",
        "true, but": "The asymmetry is real, and points the other way: with both halves of BCE, .9 costs .545 and .7 costs .526.",
    },
    "mse_zero": {
        "true, but": "Nothing has to be added: (x - p)² is 0 wherever p = x, and the same on both sides. It is BCE whose least "
        "value depends on x.",
        "not so": "It is BCE that costs something at p = x. (x - p)² is 0 there for every x, and knows only the size of the miss.",
    },
    "not_bernoulli": {
        "true, but": "Minimising BCE on grey pixels works, and still it is no likelihood: exp(-BCE) does not integrate to 1.",
        "not so": "For pixels that are 0 or 1 you would be right. Over grey values exp(-BCE) does not integrate to 1, whatever p.",
    },
    "blur": {
        "true": "It looks so where MSE has more weight. With weight 1 and 20 latent dimensions MSE is the blurrier of the two.",
        "true, but": "It is no rule with an exception: with weight 1 BCE is the sharper one, with the optimal sigma MSE is. "
        "The weight decides.",
    },
    "middle": {
        "true": "Too many middle pixels are no mark of BCE: all have more than the data, and MSE with weight 1 has more than BCE.",
        "true, but": "BCE does not push harder than MSE as such: MSE with weight 1 has more middle pixels, with a larger weight "
        "fewer. The weight decides.",
    },
    "root": {
        "true": "A root is spoken of and never taken: with every pixel off by .1 what is minimised is 7.84, not its root 2.8.",
        "true, but": "There is no root to make reserves about: what is minimised is the sum of squares itself, 7.84 and not 2.8.",
    },
    "kl_least": {
        "true, but": "It holds as it stands, for the KL term. That the whole loss has its least value elsewhere is the work of "
        "the reconstruction.",
        "not so": "The whole loss wants codes elsewhere; the KL term alone is the divergence from N(0, 1), and 0 only for that.",
    },
    "mse_weight": {
        "true, but": "It is exact, up to a constant that moves nothing: sigma² = 1/2 gives weight 1. The residual on MNIST asks "
        "for 12.6.",
        "not so": "Every squared error is a Gaussian's -log p, up to weight and constant: weight 1 is sigma = .71, where the "
        "residual on MNIST asks for .2.",
    },
    "bce_weight": {
        "true, but": "“Near its optimum” is already said; there it is exact: weight 2 at middle grey, 5.6 at .1 and 25.5 at .02.",
        "not so": "Compare curvatures at p = x: BCE has 1 / (x (1 - x)), MSE has 2. The ratio is at least 2, and 25.5 at x = .02.",
    },
    "saturation": {
        "true, but": "At an undecided pixel both learn (.5 and .25); the claim is about a confident error, and there it is .999 "
        "against .002.",
        "not so": "In p, MSE's gradient is large, too. In the logit the sigmoid multiplies it by p (1 - p): at (1, .001) that "
        "leaves .002, and BCE has .999.",
    },
    "bits": {
        "true, but": "On such pixels there is no but: a perfect copy costs 0. The but belongs to grey ones: 13.3 nats on the small digits.",
        "not so": "Where x is 0 or 1, BCE is -log of the probability that a coin gives x: it sums to 1, and a perfect copy costs 0.",
    },
    "reduction": {
        "true, but": "It is exact: reconstruction / 784 + KL is reconstruction + 784 KL up to a common factor.",
        "not so": "A common factor would do no harm, but only the reconstruction is divided: against it the KL weighs 784 times "
        "as much.",
    },
}

PATIENTS: Mapping[str, Mapping[str, str]] = {
    "a": {
        "b": "A forgotten sigmoid spoils the pictures alone and leaves the curves healthy; here the KL itself is 0.",
        "c": "A divided KL grows, to about 80 nats, and reconstructions get better; here the KL is 0 and all pictures are one.",
        "d": "Too long steps end in one picture, too, but after the loss shot up fortyfold; here it never rose, and is far too "
        "small: .4.",
        "e": "With pixels outside [0, 1] the loss falls far below 0; here it stays above 0, and what is gone is the KL.",
        "f": "Wrong noise leaves a model that works, with a KL of 3 nats; here the KL is 0 and all pictures are one.",
        "g": "An unbounded log variance stops the training within a few steps; this patient trained calmly to the end.",
        "h": "With the wrong sign the KL grows without end and the loss is negative; here the KL is 0.",
    },
    "b": {
        "a": "A mean over pixels leaves no KL and one picture; here the KL is the control's, number for number.",
        "c": "A divided KL rises to about 80 nats; here it is 3, and every curve is the control's.",
        "d": "Too long steps make the loss shoot up; here the curves are the control's, and only the pictures differ.",
        "e": "Pixels outside [0, 1] make the loss negative; here it falls to 24 nats, just as the control's.",
        "f": "Wrong noise makes the reported −ELBO too good; here every reported number is the control's, and the pictures differ.",
        "g": "An unbounded log variance stops the training; this patient took every step, with the control's numbers.",
        "h": "With the wrong sign the KL explodes; here it is 3 nats, as the control's. Only what is drawn is wrong.",
    },
    "c": {
        "a": "That is the opposite: a mean over pixels weakens the reconstruction, and the KL is 0. Here the KL is about 80 nats.",
        "b": "Without its sigmoid a net draws worse pictures from healthy codes; here reconstructions are better than the "
        "control's, and the codes are far outside N(0, I).",
        "d": "Too long steps end in one mean picture; here reconstructions are better than the control's, and only samples fail.",
        "e": "Pixels outside [0, 1] spoil the reconstructions and make the loss negative; here they are good and it is 16 nats.",
        "f": "Wrong noise leaves the KL near 3 nats, and samples near the data; here it is about 80, and samples are far off.",
        "g": "An unbounded log variance stops the training; this patient trained to the end and reconstructs better than the "
        "control.",
        "h": "With the wrong sign a large KL is wanted, and the loss is negative; here it is merely not minded, at about 80 nats.",
    },
    "d": {
        "a": "A mean over pixels ends in one picture, too, but calmly and with a loss of .4; here it shot up fortyfold and ended "
        "at 27 nats.",
        "b": "A forgotten sigmoid leaves the curves healthy; here the loss shoots up first, and the KL ends at 0.",
        "c": "A divided KL is large, and reconstructions are sharp; here it is 0, and every reconstruction is the same.",
        "e": "Pixels outside [0, 1] send the loss below 0; here it ends at 27 nats, which is what one mean picture costs.",
        "f": "Wrong noise leaves a model that works; here the loss shot up, and every picture is the same.",
        "g": "An unbounded log variance ends in an infinite number; here the loss shot up, came back, and every step was taken.",
        "h": "With the wrong sign the KL explodes and the loss is negative; here they end at 0 and at 27 nats.",
    },
    "e": {
        "a": "A mean over pixels makes the loss small, never negative; here the reconstruction is below 0, as no BCE of pixels "
        "in [0, 1] can be.",
        "b": "A forgotten sigmoid changes no curve; here the reported reconstruction is far below 0.",
        "c": "A divided KL makes reconstructions better, and their loss stays above 0; here they get worse while it falls below.",
        "d": "After too long steps the loss stands still at 27 nats; here it falls below 0, without end.",
        "f": "Wrong noise makes the −ELBO 2 nats too good; here it is billions too good.",
        "g": "An unbounded log variance stops the training; here it goes on, with a loss that is ever more negative.",
        "h": "With the wrong sign the KL's share is negative and the reconstruction is not; here it is the reconstruction that is.",
    },
    "f": {
        "a": "A mean over pixels leaves one picture and no KL; here pictures are varied, and the KL is 3 nats.",
        "b": "A forgotten sigmoid spoils pictures and no number; here the pictures are fine, and the reported −ELBO is too good.",
        "c": "A divided KL is about 80 nats, with samples far off; here it is 3 nats, and samples are near the data.",
        "d": "Too long steps make the loss shoot up and all pictures one; this training was calm, and its pictures are good.",
        "e": "Pixels outside [0, 1] make the loss negative; here it is 22 nats: 2 too good, and not absurd.",
        "g": "The log variance stays small here, and training goes to its end; it is used for σ without being halved first.",
        "h": "With the wrong sign the KL explodes; here it is 3 nats, and only the reported −ELBO is not what the weights give.",
    },
    "g": {
        "a": "A mean over pixels trains calmly to the end, to one picture; this patient stopped after three steps.",
        "b": "A forgotten sigmoid changes nothing in training; this one stopped after three steps, at an infinite number.",
        "c": "With a divided KL a net trains to the end and reconstructs well; this one stopped after three steps.",
        "d": "After too long steps the loss rises, and training goes on; here it had not risen at all when a number was infinite.",
        "e": "Pixels outside [0, 1] let training go on while the loss falls below 0; here it was 43 nats, and then infinite.",
        "f": "Wrong noise shows only in a −ELBO that is too good, after all steps; this patient stopped after three.",
        "h": "With the wrong sign the loss falls below 0 and goes on; here it was 43 nats, and then infinite.",
    },
    "h": {
        "a": "A mean over pixels drives the KL to 0; here it grows without end.",
        "b": "A forgotten sigmoid changes no curve; here the objective is far below 0.",
        "c": "A divided KL grows to about 80 nats, for better reconstructions; here it grows without end, and they are lost.",
        "d": "Too long steps end with a KL of 0 and a loss of 27 nats; here the KL explodes, and the loss is negative.",
        "e": "Pixels outside [0, 1] make the reconstruction negative; here that stays above 0, and the KL pulls the loss below.",
        "f": "Wrong noise makes the −ELBO 2 nats too good; here the objective is below 0 by a number of more than twenty digits.",
        "g": "An unbounded log variance stops the training; here it goes on, and the KL grows because that is what is minimised.",
    },
}

RACES: Mapping[str, Mapping[str, str]] = {
    "losses": {
        SECOND: "MSE's net holds a quarter of a nat, BCE's two and a half: at β = 1 a squared error of 64 pixels saves too "
        "little for what a code costs.",
        SAME: "They start alike and end ten times apart: the same pixels are worth more nats under BCE, so more code is bought.",
    },
    "beta": {
        SECOND: "At β = 8 a nat of code costs eight times as much, and hardly any is bought: 4.8 against 2.2.",
        SAME: "The weight decides: at β = 1 the code is used and the error is 2.2, at β = 8 it is nearly given up, at 4.8.",
    },
    "reduction": {
        SECOND: "The mean makes every pixel 64 times lighter against the KL; its code is given up, and each reconstruction is "
        "the mean picture, at 5.0.",
        SAME: "The mean is no mere change of units while the KL keeps its own: 5.0, the mean picture's, against 4.3.",
    },
    "latent": {
        FIRST: "Two numbers are easier to draw, not better to draw from: 3.0 against 2.6 with twenty.",
        SAME: "Two numbers cannot say what twenty can: 3.0 against 2.6, though not all twenty are used.",
    },
}

SENTENCES = {CLAIM: CLAIMS, PATIENT: PATIENTS, RACE: RACES}
