"""The KL of two normal distributions, derived: each step as a sentence and LaTeX."""

STEPS = (
    (
        "Start from what the divergence is: how many nats more a sample of q costs under p than under q.",
        r"\mathrm{KL}(q\,\|\,p)=\mathbb{E}_{z\sim q}\big[\log q(z)-\log p(z)\big]",
    ),
    (
        "Write down both log densities: q has mean μ and variance σ², p has mean 0 and variance 1.",
        r"\begin{aligned}\log q(z)&=-\tfrac12\log 2\pi-\tfrac12\log\sigma^2-\frac{(z-\mu)^2}{2\sigma^2}\\"
        r"\log p(z)&=-\tfrac12\log 2\pi-\tfrac12 z^2\end{aligned}",
    ),
    (
        "Subtract. The constant is the same in both and goes away.",
        r"\log q(z)-\log p(z)=\tfrac12\Big(z^2-\log\sigma^2-\frac{(z-\mu)^2}{\sigma^2}\Big)",
    ),
    (
        "Take the mean over q. The squared distance from the mean is the variance, and a mean square is variance plus "
        "squared mean.",
        r"\mathbb{E}_q\big[(z-\mu)^2\big]=\sigma^2,\qquad \mathbb{E}_q\big[z^2\big]=\sigma^2+\mu^2",
    ),
    (
        "Put both in. This is the term in the loss, with log σ² as the network gives it.",
        r"\begin{aligned}\mathrm{KL}&=\tfrac12\big(\mu^2+\sigma^2-1-\log\sigma^2\big)\\"
        r"&=-\tfrac12\big(1+\log\sigma^2-\mu^2-e^{\log\sigma^2}\big)\end{aligned}",
    ),
    (
        "Where is it least? Both derivatives are 0 at μ = 0, σ² = 1, and there KL = 0; it bends upwards in both "
        "directions, so this is the only minimum.",
        r"\frac{\partial\,\mathrm{KL}}{\partial\mu}=\mu,\qquad"
        r"\frac{\partial\,\mathrm{KL}}{\partial\log\sigma^2}=\tfrac12\big(\sigma^2-1\big)",
    ),
    (
        "With several latent dimensions q and p are products, so their logs are sums: add up the KL of each dimension, "
        "then average over the images of a batch.",
        r"\mathrm{KL}\big(q(z|x)\,\|\,\mathcal N(0,I)\big)=\sum_j\tfrac12\big(\mu_j^2+\sigma_j^2-1-\log\sigma_j^2\big)",
    ),
)
