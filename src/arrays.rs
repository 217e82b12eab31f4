//! `ndarray` views in and out of a session: shapes are checked, strides may be any.

use std::borrow::Borrow;

use ndarray::{Array3, ArrayView3, ArrayViewMut3};

use crate::error::{Error, Result};
use crate::model::Model;
use crate::sequence::layout::Layout;
use crate::sequence::request::{Batch, Outputs};
use crate::sequence::session::Session;

/// Sequences as arrays of `ndarray` (feature `ndarray`).
impl<M: Borrow<Model>> Session<M> {
    /// Runs all sequences and returns every hidden state of the last layer.
    ///
    /// # Shapes
    /// Time-major: `x` T × B × I, the result T × B × O. Batch-first: `x` B × T × I, the result B × T × O. B is the session's,
    /// I and O are the model's, T is whatever `x` has.
    ///
    /// A view in standard layout (row-major, contiguous) is read where it is; of any other (transposed, every second step)
    /// one copy is made.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another shape; the state is unchanged then.
    ///
    /// ```
    /// use gatewise::{Layout, LstmWeights, Model, Session};
    /// use ndarray::{Array3, s};
    ///
    /// let model = Model::new(LstmWeights::new(3, 5, &[0.1; 60], &[-0.05; 100], &[0.0; 20])?)?;
    ///
    /// // [batch, timesteps, features]: four sequences of ten steps.
    /// let x = Array3::from_shape_fn((4, 10, 3), |(row, step, _)| (row as f32 - step as f32) * 0.1);
    /// let y = Session::new(&model, 4)?.run_array(x.view(), Layout::BatchFirst)?;
    /// assert_eq!(y.dim(), (4, 10, 5));
    ///
    /// // The same through a transposed view, time-major.
    /// let turned = Session::new(&model, 4)?.run_array(x.view().permuted_axes([1, 0, 2]), Layout::TimeMajor)?;
    /// assert_eq!(turned.permuted_axes([1, 0, 2]), y);
    ///
    /// // One sequence alone: the same bits.
    /// let alone = Session::new(&model, 1)?.run_array(x.slice(s![2..3, .., ..]), Layout::BatchFirst)?;
    /// assert_eq!(alone, y.slice(s![2..3, .., ..]));
    /// # Ok::<(), gatewise::Error>(())
    /// ```
    pub fn run_array(&mut self, x: ArrayView3<'_, f32>, layout: Layout) -> Result<Array3<f32>> {
        self.run_owned(x, layout, None)
    }

    /// Runs sequences, each of its own length: B values of at most T, in any order. The result is 0 past a sequence's length;
    /// final states are those of its last valid step ([`Batch::lengths`]).
    ///
    /// # Shapes
    /// As [`run_array`](Session::run_array).
    ///
    /// # Errors
    /// As [`run_array`](Session::run_array), [`Error::Length`] if there are not B lengths, [`Error::SequenceLength`] if one
    /// is more than T; the state is unchanged then.
    ///
    /// ```
    /// use gatewise::{Layout, LstmWeights, Model, Session};
    /// use ndarray::Array3;
    ///
    /// let model = Model::new(LstmWeights::new(3, 5, &[0.1; 60], &[-0.05; 100], &[0.0; 20])?)?;
    /// let x = Array3::from_elem((2, 10, 3), 0.5);
    /// let y = Session::new(&model, 2)?.run_array_lengths(x.view(), Layout::BatchFirst, &[10, 4])?;
    /// assert_eq!(y[[1, 3, 0]], y[[0, 3, 0]]);
    /// assert_eq!(y[[1, 4, 0]], 0.0);
    /// # Ok::<(), gatewise::Error>(())
    /// ```
    pub fn run_array_lengths(
        &mut self,
        x: ArrayView3<'_, f32>,
        layout: Layout,
        lengths: &[usize],
    ) -> Result<Array3<f32>> {
        self.run_owned(x, layout, Some(lengths))
    }

    /// Runs all sequences and writes every hidden state of the last layer to `y`.
    ///
    /// # Shapes
    /// Time-major: `x` T × B × I, `y` T × B × O. Batch-first: `x` B × T × I, `y` B × T × O.
    ///
    /// Views in standard layout are read and written where they are; of any other one copy is made.
    ///
    /// # Errors
    /// [`Error::Shape`] if one has another shape; state and `y` are unchanged then.
    ///
    /// ```
    /// use gatewise::{Layout, LstmWeights, Model, Session};
    /// use ndarray::Array3;
    ///
    /// let model = Model::new(LstmWeights::new(3, 5, &[0.1; 60], &[-0.05; 100], &[0.0; 20])?)?;
    /// let (x, mut y) = (Array3::from_elem((10, 2, 3), 0.5), Array3::zeros((10, 2, 5)));
    /// let mut session = Session::new(&model, 2)?;
    /// session.run_array_into(x.view(), Layout::TimeMajor, y.view_mut())?;
    /// assert_eq!(y[[9, 1, 4]], session.hidden_state()[9]);
    /// # Ok::<(), gatewise::Error>(())
    /// ```
    pub fn run_array_into(
        &mut self,
        x: ArrayView3<'_, f32>,
        layout: Layout,
        mut y: ArrayViewMut3<'_, f32>,
    ) -> Result<()> {
        let output = self.check_input(&x, layout)?;
        if y.dim() != output {
            let letters = if layout == Layout::TimeMajor { "T × B × O" } else { "B × T × O" };
            let expected = format!("[{}, {}, {}] ({letters})", output.0, output.1, output.2);
            return Err(Error::Shape { name: "y".to_owned(), expected, found: y.shape().to_vec() });
        }
        match y.as_slice_mut() {
            Some(values) => self.run_values(&x, layout, None, values),
            None => {
                let mut room = Array3::zeros(output);
                self.run_values(&x, layout, None, room.as_slice_mut().unwrap_or_default())?;
                y.assign(&room);
                Ok(())
            }
        }
    }

    fn run_owned(&mut self, x: ArrayView3<'_, f32>, layout: Layout, lengths: Option<&[usize]>) -> Result<Array3<f32>> {
        let mut y = Array3::zeros(self.check_input(&x, layout)?);
        self.run_values(&x, layout, lengths, y.as_slice_mut().unwrap_or_default())?;
        Ok(y)
    }

    /// The shape of the output; an error unless `x` has the session's batch and the model's features.
    fn check_input(&self, x: &ArrayView3<'_, f32>, layout: Layout) -> Result<(usize, usize, usize)> {
        let (inputs, width, batch) = (self.model().input_size(), self.model().output_size(), self.batch());
        let (first, second, features) = x.dim();
        let (found, letters) = match layout {
            Layout::TimeMajor => (second, format!("[T, {batch}, {inputs}] (T × B × I)")),
            Layout::BatchFirst => (first, format!("[{batch}, T, {inputs}] (B × T × I)")),
        };
        if (found, features) != (batch, inputs) {
            return Err(Error::Shape { name: "x".to_owned(), expected: letters, found: x.shape().to_vec() });
        }
        Ok((first, second, width))
    }

    fn run_values(
        &mut self,
        x: &ArrayView3<'_, f32>,
        layout: Layout,
        lengths: Option<&[usize]>,
        y: &mut [f32],
    ) -> Result<()> {
        // Borrowed where it is contiguous, else copied.
        let x = x.as_standard_layout();
        let mut batch = Batch::new(x.as_slice().unwrap_or_default()).layout(layout);
        if let Some(lengths) = lengths {
            batch = batch.lengths(lengths);
        }
        self.forward(batch, Outputs::none().hidden(y))
    }
}
