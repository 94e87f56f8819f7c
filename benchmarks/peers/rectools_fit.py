"""RecTools' SASRec with gBCE, asked after every epoch. Runs in the peers' environment."""

import logging
import warnings

import numpy as np
import pandas as pd
import torch
from answering import LIST_LENGTH, Answers, Clock, arguments, peak_rss_mb, read
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

# Of its losses the one that does most with the least: softmax over the catalog takes 750 s an epoch on Beauty.
SETTINGS = {
    "n_factors": 64,
    "n_blocks": 2,
    "n_heads": 2,
    "session_max_len": 20,
    "dropout_rate": 0.2,
    "loss": "gBCE",
    "n_negatives": 32,
    "gbce_t": 0.75,
    "lr": 1e-3,
    "batch_size": 128,
}


class AskedAfterEpochs(Callback):
    """Stops the clock at the end of an epoch, lets the model answer, and ends the fit when the budget is spent."""

    def __init__(self, answer, clock, options):
        self._answer, self._clock, self._options = answer, clock, options

    def __deepcopy__(self, memo):
        return self  # the model copies its trainer

    def on_train_epoch_end(self, trainer, pl_module):
        self._clock.stop()
        self._answer(f"epoch {trainer.current_epoch + 1}")
        pl_module.train()
        spent = self._clock.cpu >= self._options.cpu_seconds or self._clock.wall >= self._options.wall_seconds
        trainer.should_stop = spent
        self._clock.start()


def interactions(rows):
    """RecTools' table of (shopper, item, time); times become seconds."""
    table = pd.DataFrame(rows, columns=[Columns.User, Columns.Item, Columns.Datetime])
    return table.assign(**{Columns.Datetime: pd.to_datetime(table[Columns.Datetime], unit="s"), Columns.Weight: 1.0})


def as_lists(recommended, shoppers):
    """(items, scores), each (S, LIST_LENGTH), of a table of recommendations."""
    items = np.zeros((len(shoppers), LIST_LENGTH), np.int64)
    scores = np.full(items.shape, -np.inf)
    row = np.searchsorted(shoppers, recommended[Columns.User].to_numpy())
    place = recommended[Columns.Rank].to_numpy() - 1
    items[row, place], scores[row, place] = recommended[Columns.Item], recommended[Columns.Score]
    return items, scores


def main():
    options = arguments()
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    seed_everything(0)
    clock, answers = Clock(), Answers(options.folder, SETTINGS, ("rectools", "torch", "pytorch-lightning"))
    met = Dataset.construct(interactions(read(options.question).met))
    clock.start()
    asked = read(options.question)
    dataset = Dataset.construct(interactions(asked.fitted))

    def answer(name):
        peak = answers.points[0]["peak_rss_mb"] if answers.points else peak_rss_mb()  # of fitting, not of answering
        model.is_fitted = True
        found = model.recommend(asked.shoppers, met, LIST_LENGTH, True, on_unsupported_targets="ignore")
        answers.add(name, clock, *as_lists(found, asked.shoppers), peak)

    def trainer():
        return Trainer(
            max_epochs=options.epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[AskedAfterEpochs(answer, clock, options)],
        )

    model = SASRecModel(**SETTINGS, get_trainer_func=trainer)
    model.fit(dataset)


if __name__ == "__main__":
    main()
