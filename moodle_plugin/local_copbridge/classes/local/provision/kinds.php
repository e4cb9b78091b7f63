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

use mod_quiz\question\display_options;

/**
 * The kinds of activities that can be made from a description, each with what its form would fill in.
 *
 * A field that isn't named here has the same default in the activity's form and in its table.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class kinds {
    /** @var string[] kinds that can be made */
    public const MADE = [
        'assign', 'book', 'choice', 'feedback', 'folder', 'forum', 'glossary', 'label', 'page', 'quiz', 'url',
    ];

    /** @var string[] kinds that are made with a grade */
    public const GRADED = ['assign', 'quiz'];

    /** @var string[] settings of the quiz that its form takes over from the site's defaults */
    private const QUIZ = [
        'attemptonlast', 'attempts', 'browsersecurity', 'canredoquestions', 'decimalpoints', 'delay1', 'delay2', 'graceperiod',
        'grademethod', 'navmethod', 'overduehandling', 'preferredbehaviour', 'questiondecimalpoints', 'questionsperpage',
        'quizpassword', 'showblocks', 'showuserpicture', 'shuffleanswers', 'subnet', 'timelimit',
    ];

    /** @var string[] what a quiz's review options are about */
    private const REVIEW = [
        'attempt', 'correctness', 'maxmarks', 'marks', 'specificfeedback', 'generalfeedback', 'rightanswer', 'overallfeedback',
    ];

    /** @var string[] settings of the assignment that its form takes over from the site's defaults */
    private const ASSIGN = [
        'attemptreopenmethod', 'blindmarking', 'hidegrader', 'markingallocation', 'markinganonymous',
        'markingworkflow', 'maxattempts', 'preventsubmissionnotingroup', 'requireallteammemberssubmit',
        'requiresubmissionstatement', 'sendlatenotifications', 'sendnotifications', 'sendstudentnotifications',
        'submissiondrafts', 'teamsubmission', 'teamsubmissiongroupingid',
    ];

    /**
     * Fields for add_moduleinfo(), beyond those that every activity has.
     *
     * @param string $modname one of MADE
     * @param array $settings
     * @return array
     */
    public static function fields(string $modname, array $settings): array {
        return match ($modname) {
            'assign' => self::assign($settings),
            'book' => ['numbering' => get_config('book', 'numbering'), 'navstyle' => 1, 'customtitles' => 0, 'revision' => 1],
            'choice' => self::choice($settings),
            'feedback' => self::feedback(),
            'folder' => ['files' => 0, 'display' => 0, 'showexpanded' => get_config('folder', 'showexpanded'), 'revision' => 1],
            'forum' => self::forum($settings),
            'glossary' => self::glossary(),
            'label' => ['showdescription' => 1],
            'page' => self::page($settings),
            'quiz' => self::quiz($settings),
            'url' => self::url($settings),
        };
    }

    /**
     * An assignment's fields.
     *
     * @param array $settings
     * @return array
     */
    private static function assign(array $settings): array {
        $site = get_config('assign');
        $fields = ['allowsubmissionsfromdate' => 0, 'cutoffdate' => 0, 'gradingduedate' => 0, 'timelimit' => 0];
        foreach (self::ASSIGN as $name) {
            $fields[$name] = $site->$name ?: 0;
        }
        $fields['duedate'] = $settings['duedate'] ?? 0;
        $fields['grade'] = $settings['grade'] ?? 100;
        $fields['gradepass'] = $settings['gradepass'] ?? null;
        $fields['submissionattachments'] = 0;
        foreach (['assignsubmission', 'assignfeedback'] as $type) {
            foreach (array_keys(\core_component::get_plugin_list($type)) as $plugin) {
                $fields["{$type}_{$plugin}_enabled"] = (int) get_config("{$type}_{$plugin}", 'default');
            }
        }
        if (isset($settings['submissiontypes'])) {
            foreach (['file', 'onlinetext'] as $plugin) {
                $fields["assignsubmission_{$plugin}_enabled"] = (int) in_array($plugin, $settings['submissiontypes'], true);
            }
        }
        $file = get_config('assignsubmission_file');
        $fields['assignsubmission_file_maxfiles'] = $file->maxfiles;
        $fields['assignsubmission_file_maxsizebytes'] = $file->maxbytes;
        $fields['assignsubmission_file_filetypes'] = $file->filetypes;
        $fields['assignfeedback_comments_commentinline'] = get_config('assignfeedback_comments', 'inline');
        return $fields;
    }

    /**
     * A choice's fields.
     *
     * @param array $settings
     * @return array
     */
    private static function choice(array $settings): array {
        $options = array_map(fn(string $option): string => clean_param($option, PARAM_CLEANHTML), $settings['options']);
        return [
            'option' => $options, 'limit' => array_fill(0, count($options), 0), 'timeopen' => 0, 'timeclose' => 0,
            'includeinactive' => 0,
        ];
    }

    /**
     * A feedback's fields: in its form every yes or no begins with no, in its table with yes.
     *
     * @return array
     */
    private static function feedback(): array {
        return [
            'email_notification' => 0, 'multiple_submit' => 0, 'autonumbering' => 0, 'publish_stats' => 0,
            'timeopen' => 0, 'timeclose' => 0, 'page_after_submit' => '', 'page_after_submitformat' => FORMAT_HTML,
            'page_after_submit_editor' => ['text' => '', 'format' => FORMAT_HTML, 'itemid' => false],
        ];
    }

    /**
     * A forum's fields.
     *
     * @param array $settings
     * @return array
     */
    private static function forum(array $settings): array {
        global $CFG;
        require_once($CFG->dirroot . '/mod/forum/lib.php');
        $tracking = (int) $CFG->forum_trackingtype;
        if ($tracking === FORUM_TRACKING_FORCED && empty($CFG->forum_allowforcedreadtracking)) {
            $tracking = FORUM_TRACKING_OPTIONAL;
        }
        return [
            'type' => $settings['type'] ?? 'general', 'assessed' => 0, 'scale' => 0, 'grade_forum' => 0,
            'maxbytes' => $CFG->forum_maxbytes, 'maxattachments' => $CFG->forum_maxattachments,
            'forcesubscribe' => $CFG->forum_subscription, 'trackingtype' => $tracking,
        ];
    }

    /**
     * A glossary's fields.
     *
     * @return array
     */
    private static function glossary(): array {
        global $CFG;
        return [
            'mainglossary' => 0, 'globalglossary' => 0, 'displayformat' => 'dictionary', 'approvaldisplayformat' => 'default',
            'defaultapproval' => $CFG->glossary_defaultapproval, 'allowduplicatedentries' => $CFG->glossary_dupentries,
            'allowcomments' => $CFG->glossary_allowcomments, 'usedynalink' => $CFG->glossary_linkbydefault,
            'entbypage' => $CFG->glossary_entbypage ?: 10, 'assessed' => 0, 'scale' => 0,
        ];
    }

    /**
     * A page's fields.
     *
     * @param array $settings
     * @return array
     */
    private static function page(array $settings): array {
        $site = get_config('page');
        return [
            'content' => $settings['content'] ?? '', 'contentformat' => FORMAT_HTML, 'display' => $site->display,
            'popupwidth' => $site->popupwidth, 'popupheight' => $site->popupheight, 'printintro' => $site->printintro,
            'printlastmodified' => $site->printlastmodified, 'revision' => 1,
        ];
    }

    /**
     * A quiz's fields. It has no questions: those come from a question bank.
     *
     * @param array $settings
     * @return array
     */
    private static function quiz(array $settings): array {
        $site = get_config('quiz');
        $fields = ['timeopen' => 0, 'timeclose' => 0, 'sumgrades' => 0];
        foreach (self::QUIZ as $name) {
            $fields[$name] = $site->$name ?? '';
        }
        $fields['grade'] = $settings['grade'] ?? $site->maximumgrade;
        $fields['gradepass'] = $settings['gradepass'] ?? null;
        if ($site->overduehandling !== 'graceperiod') {
            $fields['graceperiod'] = 0;
        }
        return $fields + self::review($site);
    }

    /**
     * A quiz's review options, without those that its form switches off: a quiz that never closes has nothing to review then,
     * and where questions are marked only at the end there is no feedback during the attempt.
     *
     * @param \stdClass $site the site's defaults
     * @return array
     */
    private static function review(\stdClass $site): array {
        global $CFG;
        require_once($CFG->dirroot . '/question/engine/lib.php');
        $during = \question_engine::can_questions_finish_during_the_attempt($site->preferredbehaviour);
        $fields = [];
        foreach (self::REVIEW as $name) {
            $shown = (int) $site->{'review' . $name};
            $fields[$name . 'during'] = (int) (($shown & display_options::DURING)
                && ($during || in_array($name, ['attempt', 'maxmarks'], true)));
            $fields[$name . 'immediately'] = (int) (bool) ($shown & display_options::IMMEDIATELY_AFTER);
            $fields[$name . 'open'] = (int) (bool) ($shown & display_options::LATER_WHILE_OPEN);
        }
        return $fields;
    }

    /**
     * A link's fields.
     *
     * @param array $settings
     * @return array
     */
    private static function url(array $settings): array {
        $site = get_config('url');
        return [
            'externalurl' => $settings['externalurl'], 'display' => $site->display, 'popupwidth' => $site->popupwidth,
            'popupheight' => $site->popupheight, 'printintro' => $site->printintro,
        ];
    }

    /**
     * What is added once the activity is there: questions of a feedback, the first chapter of a book.
     *
     * @param string $modname
     * @param int $instanceid
     * @param string $name the activity's
     * @param array $settings
     */
    public static function finish(string $modname, int $instanceid, string $name, array $settings): void {
        global $CFG, $DB;
        if ($modname === 'feedback') {
            require_once($CFG->dirroot . '/mod/feedback/lib.php');
            foreach ($settings['questions'] ?? [] as $place => $question) {
                $item = feedback_get_item_class('textarea');
                $item->set_data((object) [
                    'id' => 0, 'feedback' => $instanceid, 'template' => 0, 'name' => clean_param($question, PARAM_TEXT),
                    'label' => '', 'typ' => 'textarea', 'presentation' => '40|5', 'hasvalue' => 1, 'position' => $place + 1,
                    'required' => 0, 'dependitem' => 0, 'dependvalue' => '', 'options' => '',
                ]);
                $item->save_item();
            }
        }
        if ($modname === 'book' && ($settings['content'] ?? '') !== '') {
            $now = \core\di::get(\core\clock::class)->time();
            $DB->insert_record('book_chapters', (object) [
                'bookid' => $instanceid, 'pagenum' => 1, 'subchapter' => 0, 'title' => $name, 'content' => $settings['content'],
                'contentformat' => FORMAT_HTML, 'hidden' => 0, 'timecreated' => $now, 'timemodified' => $now, 'importsrc' => '',
            ]);
        }
    }
}
