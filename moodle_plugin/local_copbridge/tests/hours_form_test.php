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

namespace local_copbridge;

use local_copbridge\local\hours;
use local_copbridge\local\hours_form;

/**
 * Tests of the hours in an activity's form.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\hours_form
 */
final class hours_form_test extends \advanced_testcase {
    /** @var \stdClass a course that is handed over */
    private \stdClass $course;

    /** @var \stdClass one of its activities */
    private \stdClass $page;

    /**
     * A course with one activity.
     */
    protected function setUp(): void {
        global $CFG, $PAGE;
        parent::setUp();
        require_once($CFG->dirroot . '/course/modlib.php');
        require_once($CFG->dirroot . '/mod/page/mod_form.php');
        $this->resetAfterTest();
        $this->setAdminUser();
        set_config('endpoint', 'https://cop.example.org/webhooks/site/events', 'local_copbridge');
        set_config('secret', 'whsec_' . base64_encode(str_repeat('k', 32)), 'local_copbridge');
        set_config('scope', 'all', 'local_copbridge');
        $this->course = $this->getDataGenerator()->create_course();
        $this->page = $this->getDataGenerator()->create_module('page', ['course' => $this->course->id]);
        $PAGE->set_course($this->course);
        $PAGE->set_url('/course/modedit.php', ['update' => $this->page->cmid]);
    }

    /**
     * The activity's form, as Moodle makes it.
     *
     * @return \mod_page_mod_form
     */
    private function form(): \mod_page_mod_form {
        [, , , $data, $cw] = get_moduleinfo_data(get_coursemodule_from_id('page', $this->page->cmid), $this->course);
        $cm = get_coursemodule_from_id('page', $this->page->cmid);
        return new \mod_page_mod_form($data, $cw->section, $cm, $this->course);
    }

    /**
     * What the form would hand on.
     *
     * @param string $hours
     * @param string $component
     * @param string $seen
     * @return \stdClass
     */
    private function typed(string $hours, string $component = '', string $seen = ''): \stdClass {
        return (object) ['coursemodule' => $this->page->cmid, 'copbridge_hours' => $hours,
            'copbridge_component' => $component, 'copbridge_seen' => $seen];
    }

    /**
     * The section shows what is declared, and only to who may declare.
     */
    public function test_elements(): void {
        hours::set((int) $this->page->cmid, 90, 'online', 2);
        $html = $this->form()->render();
        $this->assertMatchesRegularExpression('/name="copbridge_hours"[^>]*value="1\.5"/s', $html);
        $this->assertStringContainsString('value="90:online"', $html);
        $teacher = $this->getDataGenerator()->create_and_enrol($this->course, 'editingteacher');
        $this->setUser($teacher);
        $this->assertStringNotContainsString('copbridge', $this->form()->render());
        $this->setAdminUser();
        set_config('scope', 'none', 'local_copbridge');
        $this->assertStringNotContainsString('copbridge', $this->form()->render());
    }

    /**
     * A service that told the components makes the field a select.
     */
    public function test_components_as_select(): void {
        global $DB;
        $DB->insert_record('local_copbridge_course', ['courseid' => $this->course->id, 'asof' => 1, 'timemodified' => 1,
            'data' => json_encode(['version' => 1, 'components' => ['online', 'face_to_face', 'lab'],
                'names' => ['component:lab' => ['en' => 'lab <b>']]])]);
        $html = $this->form()->render();
        $this->assertMatchesRegularExpression('/<select[^>]*name="copbridge_component"/s', $html);
        $this->assertStringContainsString('<option value="face_to_face"', $html);
        $this->assertStringContainsString('Lab &lt;b&gt;', $html);
        $this->assertStringNotContainsString('Lab <b>', $html);
        hours::set((int) $this->page->cmid, 60, 'lab', 2);
        $problems = hours_form::problems($this->form(), (array) $this->typed('2'));
        $this->assertStringContainsString('lab &lt;b&gt;', $problems['copbridge_hours']);
    }

    /**
     * What was typed is checked.
     */
    public function test_problems(): void {
        $form = $this->form();
        $problems = fn(\stdClass $typed): array => array_keys(hours_form::problems($form, (array) $typed));
        $this->assertSame([], $problems((object) ['coursemodule' => $this->page->cmid]));
        $this->assertSame([], $problems($this->typed('1.5', 'online')));
        $this->assertSame(['copbridge_hours'], $problems($this->typed('101')));
        $this->assertSame(['copbridge_component'], $problems($this->typed('1', 'two words')));
        hours::set((int) $this->page->cmid, 120, '', 2);
        $this->assertSame(['copbridge_hours'], $problems($this->typed('3', '', '90:')));
        $this->assertSame([], $problems($this->typed('3', '', '120:')));
    }

    /**
     * Saving the activity keeps the hours, with the capability only; a form without them changes nothing.
     */
    public function test_keep(): void {
        $cmid = (int) $this->page->cmid;
        hours_form::keep($this->typed('1,5', 'online'), $this->course);
        $this->assertSame('90:online', hours::state(hours::of($cmid)));
        hours_form::keep((object) ['coursemodule' => $cmid], $this->course);
        hours_form::keep($this->typed('nonsense', '', '90:online'), $this->course);
        $this->assertSame('90:online', hours::state(hours::of($cmid)));
        $this->setUser($this->getDataGenerator()->create_and_enrol($this->course, 'editingteacher'));
        hours_form::keep($this->typed('50', '', '90:online'), $this->course);
        $this->assertSame('90:online', hours::state(hours::of($cmid)));
        $this->setAdminUser();
        hours_form::keep($this->typed('', '', '90:online'), $this->course);
        $this->assertNull(hours::of($cmid));
    }

    /**
     * Moodle's own way of saving an activity arrives here.
     */
    public function test_update_module(): void {
        [$cm, , , $data] = get_moduleinfo_data(get_coursemodule_from_id('page', $this->page->cmid), $this->course);
        $data->introeditor = ['text' => '', 'format' => FORMAT_HTML, 'itemid' => 0];
        $data->page = ['text' => 'x', 'format' => FORMAT_HTML, 'itemid' => 0];
        $data->printintro = $data->printlastmodified = $data->display = 0;
        foreach (['copbridge_hours' => '2', 'copbridge_component' => 'virtual', 'copbridge_seen' => ''] as $key => $value) {
            $data->$key = $value;
        }
        update_moduleinfo($cm, $data, $this->course);
        $this->assertSame('120:virtual', hours::state(hours::of((int) $this->page->cmid)));
    }
}
