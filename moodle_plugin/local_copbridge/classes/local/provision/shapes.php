<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local\provision;

use core_external\external_multiple_structure;
use core_external\external_single_structure;
use core_external\external_value;

/**
 * Parts of the parameters and answers that several external functions share.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class shapes {
    /**
     * A set of completion rules.
     *
     * @return external_single_structure
     */
    public static function completion(): external_single_structure {
        $count = fn(string $what): external_value => new external_value(PARAM_INT, $what, VALUE_DEFAULT, 0);
        $flag = fn(string $what): external_value => new external_value(PARAM_BOOL, $what, VALUE_DEFAULT, false);
        return new external_single_structure([
            'tracking' => new external_value(PARAM_ALPHA, 'none, manual or automatic'),
            'view' => $flag('must be opened'),
            'submit' => $flag('must be handed in: an assignment, a choice, a feedback, a quiz attempt; a lesson: its end reached'),
            'posts' => $count('forum: so many discussions and replies together'),
            'discussions' => $count('forum: so many discussions'),
            'replies' => $count('forum: so many replies'),
            'entries' => $count('glossary, database: so many entries'),
            'grade' => $flag('must have been graded'),
            'passgrade' => $flag('must have been passed'),
            'expected' => new external_value(PARAM_INT, 'the day it is expected by, Unix seconds; 0: none', VALUE_OPTIONAL),
        ], 'completion rules, the whole set', VALUE_OPTIONAL);
    }

    /**
     * Settings of an activity, by its kind.
     *
     * @return external_single_structure
     */
    public static function settings(): external_single_structure {
        $text = fn(string $what): external_value => new external_value(PARAM_RAW, $what);
        return new external_single_structure([
            'content' => new external_value(PARAM_RAW, 'page: its text; book: text of its first chapter; HTML', VALUE_OPTIONAL),
            'externalurl' => new external_value(PARAM_RAW_TRIMMED, 'url: the address, http or https', VALUE_OPTIONAL),
            'type' => new external_value(PARAM_ALPHA, 'forum: general, eachuser, qanda or blog', VALUE_OPTIONAL),
            'options' => new external_multiple_structure($text('an option'), 'choice: its options', VALUE_OPTIONAL),
            'questions' => new external_multiple_structure($text('a question'), 'feedback: its questions', VALUE_OPTIONAL),
            'submissiontypes' => new external_multiple_structure(
                new external_value(PARAM_ALPHA, 'file or onlinetext'),
                'assign: what is handed in; left out: the site\'s default',
                VALUE_OPTIONAL
            ),
            'duedate' => new external_value(PARAM_INT, 'assign: due by, Unix seconds', VALUE_OPTIONAL),
            'grade' => new external_value(PARAM_INT, 'assign, quiz: highest grade; left out: the site\'s', VALUE_OPTIONAL),
            'gradepass' => new external_value(PARAM_FLOAT, 'assign, quiz: the grade to pass', VALUE_OPTIONAL),
        ], 'settings by kind', VALUE_OPTIONAL);
    }

    /**
     * Why a row failed.
     *
     * @return external_value[]
     */
    public static function failure(): array {
        return [
            'code' => new external_value(PARAM_RAW, 'why it failed, for programs; else empty'),
            'reason' => new external_value(PARAM_RAW, 'why it failed and what to do, for people; else empty'),
        ];
    }
}
